-- How many lines find no order, and how many rows of the orders could not be read.
SELECT
    count(*) AS "lines",
    count(*) FILTER (WHERE o.order_id IS NULL) AS alone,
    (SELECT count(*) FROM order_heads WHERE rule = 'unreadable_row') AS unreadable
FROM order_lines l
LEFT JOIN orders_by_id o ON l.order_id = o.order_id
WHERE l.rule IS NULL OR l.rule <> 'unreadable_row'
