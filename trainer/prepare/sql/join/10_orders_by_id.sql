-- One row per order of the file that holds the orders.
SELECT
    order_id,
    first_value(user_id ORDER BY source_row) FILTER (WHERE user_id IS NOT NULL) AS user_id,
    first_value(session_id ORDER BY source_row) FILTER (WHERE session_id IS NOT NULL) AS session_id,
    first_value("timestamp" ORDER BY source_row) FILTER (WHERE "timestamp" IS NOT NULL) AS "timestamp",
    first_value(rule ORDER BY source_row) FILTER (WHERE rule IS NOT NULL) AS rule,
    first_value('line ' || CAST(line AS VARCHAR) || ' of the orders: ' || reason ORDER BY source_row)
        FILTER (WHERE rule IS NOT NULL) AS reason
FROM order_heads
WHERE order_id IS NOT NULL
GROUP BY order_id
