-- Events and order lines with the columns that say whose they are and when.
SELECT
    'events' AS input,
    user_id,
    session_id,
    order_id,
    user_was_float,
    session_was_float,
    coalesce("timestamp" + CASE
        WHEN abs(time_offset) < 1e12 THEN CAST(time_offset AS BIGINT)
        ELSE 0
    END, "timestamp") AS ts
FROM events_plain
WHERE rule IS NULL
UNION ALL
SELECT
    'orders' AS input,
    user_id,
    session_id,
    order_id,
    user_was_float,
    session_was_float,
    coalesce("timestamp" + CASE
        WHEN abs(time_offset) < 1e12 THEN CAST(time_offset AS BIGINT)
        ELSE 0
    END, "timestamp") AS ts
FROM orders_plain
WHERE rule IS NULL
