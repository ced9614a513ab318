-- Rows of each input, those that could not be used, and the rule that took most of them.
WITH judged AS (
    SELECT 'events' AS input, rule, reason FROM events_judged
    UNION ALL
    SELECT 'orders', rule, reason FROM orders_judged
    UNION ALL
    SELECT 'items', CASE WHEN item_id IS NULL THEN coalesce(rule, 'missing_item') ELSE rule END, reason
    FROM items_collected
),
counted AS (
    SELECT input, rule, count(*) AS n, min(reason) AS reason
    FROM judged
    GROUP BY input, rule
)
SELECT
    input,
    sum(n) AS total,
    coalesce(sum(n) FILTER (WHERE rule = 'duplicate'), 0) AS duplicates,
    coalesce(sum(n) FILTER (WHERE bad), 0) AS bad,
    first_value(rule ORDER BY bad DESC, n DESC, rule) AS rule,
    first_value(reason ORDER BY bad DESC, n DESC, rule) AS reason
FROM (
    SELECT
        *,
        -- These say what a row means, not that it could not be read.
        rule IS NOT NULL AND rule NOT IN (
            'duplicate', 'returned', 'ignored_action', 'low_rating', 'not_a_product'
        ) AS bad
    FROM counted
)
GROUP BY input
ORDER BY input
