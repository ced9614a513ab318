-- Rows of each input that could not be used, with the rule that took most of them, and its copies.
WITH judged AS (
    SELECT 'events' AS input, rule, reason FROM events_judged WHERE rule IS NOT NULL
    UNION ALL
    SELECT 'orders', rule, reason FROM orders_judged WHERE rule IS NOT NULL
    UNION ALL
    SELECT 'items', rule, reason FROM items_judged
),
counted AS (
    SELECT
        input,
        rule,
        count(*) AS n,
        min(reason) AS reason,
        -- The others say what a row means, not that it could not be read.
        rule NOT IN ('duplicate', 'returned', 'ignored_action', 'low_rating', 'not_a_product') AS bad
    FROM judged
    GROUP BY input, rule
)
SELECT
    input,
    coalesce(sum(n) FILTER (WHERE rule = 'duplicate'), 0) AS duplicates,
    coalesce(sum(n) FILTER (WHERE bad), 0) AS bad,
    first_value(rule ORDER BY bad DESC, n DESC, rule) AS rule,
    first_value(reason ORDER BY bad DESC, n DESC, rule) AS reason
FROM counted
GROUP BY input
ORDER BY input
