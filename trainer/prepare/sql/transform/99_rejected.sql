-- Every row that was read and is not in the result, with the rule that dropped it, in the order
-- in which the sources are read.
SELECT source_row, rule, reason FROM events_judged WHERE rule IS NOT NULL
UNION ALL
SELECT source_row, rule, reason FROM orders_judged WHERE rule IS NOT NULL
UNION ALL
SELECT source_row, rule, reason FROM orders_outside_split
UNION ALL
SELECT source_row, rule, reason FROM items_judged
UNION ALL
SELECT c.source_row, b.rule, b.reason
FROM cut c
JOIN bots b ON coalesce('u' || c.user_id, 's' || c.session_id) = b.visitor
UNION ALL
SELECT source_row, rule, reason FROM placed WHERE rule IS NOT NULL
UNION ALL
SELECT
    p.source_row,
    'short_session' AS rule,
    'the session has fewer than ' || CAST($min_session_length AS VARCHAR) || ' events' AS reason
FROM placed p
LEFT ANTI JOIN numbered n ON p.session = n.session
WHERE p.rule IS NULL
ORDER BY source_row
