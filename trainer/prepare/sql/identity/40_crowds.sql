-- Users that are more than one person: many sessions, or orders, of which most begin while the one
-- before goes on. An order is a moment; another one within the session gap counts as at once.
WITH users AS (
    SELECT user_id, count(*) AS visits
    FROM visits
    WHERE user_id IS NOT NULL AND (session_id IS NOT NULL OR order_id IS NOT NULL)
    GROUP BY user_id
),
busy AS (
    SELECT user_id
    FROM users
    WHERE visits >= $crowd_visits AND visits >= $crowd_ratio * (SELECT avg(visits) FROM users)
    ORDER BY visits DESC
    LIMIT 100
),
walk AS (
    SELECT
        v.user_id,
        v.session_id,
        v.events,
        v.started,
        lag(v.ended) OVER (PARTITION BY v.user_id ORDER BY v.started, v.ended, v.session_id, v.order_id)
            AS ended_before
    FROM visits v
    JOIN busy b ON v.user_id = b.user_id
    WHERE v.session_id IS NOT NULL OR v.order_id IS NOT NULL
),
counted AS (
    SELECT
        user_id,
        count(*) AS visits,
        sum(events) AS events,
        sum(events) FILTER (WHERE session_id IS NOT NULL) AS in_sessions,
        count(*) FILTER (WHERE CASE
            WHEN session_id IS NOT NULL THEN started < ended_before
            ELSE started / 1000 <= ended_before / 1000 + $session_gap
        END) AS at_once
    FROM walk
    GROUP BY user_id
)
SELECT user_id, events, in_sessions, events - coalesce(in_sessions, 0) AS in_orders, visits, at_once
FROM counted
WHERE at_once * 2 > visits
ORDER BY events DESC, user_id
