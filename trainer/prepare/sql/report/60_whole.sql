SELECT
    count(*) AS events,
    count(DISTINCT item_id) AS items,
    count(DISTINCT user_id) AS users,
    CAST(min(ts) AS BIGINT) AS first_ms,
    CAST(max(ts) AS BIGINT) AS last_ms
FROM events
