SELECT
    split,
    count(DISTINCT session_id) AS sessions,
    count(*) AS events,
    count(DISTINCT item_id) AS items,
    count(*) FILTER (WHERE action = 0) AS views,
    count(*) FILTER (WHERE action = 1) AS adds,
    count(*) FILTER (WHERE action = 2) AS buys
FROM events
GROUP BY split
