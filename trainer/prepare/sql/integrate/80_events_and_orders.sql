-- Behaviour and orders as one history. A matched order line lends its price and quantity to the
-- purchase that it confirms.
WITH confirmed AS (
    SELECT m.event_row, max(o.price) AS price, sum(o.quantity) AS quantity
    FROM order_matches m
    JOIN orders_judged o ON m.order_row = o.source_row
    GROUP BY m.event_row
)
SELECT
    e.source_row,
    e.user_id,
    e.session_id,
    e.item_id,
    e.ts,
    e.action,
    coalesce(e.price, c.price) AS price,
    coalesce(e.quantity, c.quantity) AS quantity,
    e.position,
    e.split
FROM events_clean e
LEFT JOIN confirmed c ON e.source_row = c.event_row
UNION ALL
SELECT source_row, user_id, session_id, item_id, ts, action, price, quantity, position, split
FROM orders_placed
WHERE NOT $has_split
