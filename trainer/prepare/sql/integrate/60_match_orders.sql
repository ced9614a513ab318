-- Order lines that the behaviour already tells: a purchase of the same item by the same user or in
-- the same session, at most $order_window milliseconds apart where both have a time.
WITH purchases AS (
    SELECT source_row, user_id, session_id, item_id, ts FROM events_clean WHERE action = 2
),
lines AS (
    SELECT source_row, user_id, session_id, item_id, ts FROM orders_judged WHERE rule IS NULL
),
pairs AS (
    SELECT l.source_row AS order_row, p.source_row AS event_row
    FROM lines l
    JOIN purchases p ON l.item_id = p.item_id AND l.user_id = p.user_id
    WHERE l.ts IS NULL OR p.ts IS NULL OR abs(l.ts - p.ts) <= $order_window
    UNION ALL
    SELECT l.source_row AS order_row, p.source_row AS event_row
    FROM lines l
    JOIN purchases p ON l.item_id = p.item_id AND l.session_id = p.session_id
    WHERE l.ts IS NULL OR p.ts IS NULL OR abs(l.ts - p.ts) <= $order_window
)
SELECT order_row, min(event_row) AS event_row
FROM pairs
GROUP BY order_row
