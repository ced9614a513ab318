-- Users that are more than one person: many sessions, or orders, of which most begin while the one
-- before goes on. An order is a moment; another one within the session gap counts as at once.
WITH trips AS (
    SELECT
        user_id,
        session_id,
        CASE WHEN session_id IS NULL THEN order_id END AS order_id,
        min(started) AS started,
        max(ended) AS ended,
        sum(events) AS events,
        sum(events) FILTER (WHERE order_id IS NOT NULL) AS in_orders
    FROM visits
    WHERE user_id IS NOT NULL AND (session_id IS NOT NULL OR order_id IS NOT NULL)
    GROUP BY user_id, session_id, CASE WHEN session_id IS NULL THEN order_id END
),
users AS (
    SELECT user_id, count(*) AS visits FROM trips GROUP BY user_id
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
        t.user_id,
        t.session_id,
        t.events,
        t.in_orders,
        t.started,
        lag(t.ended) OVER (
            PARTITION BY t.user_id
            ORDER BY t.started, t.ended, t.session_id, t.order_id
        ) AS ended_before
    FROM trips t
    JOIN busy b ON t.user_id = b.user_id
),
counted AS (
    SELECT
        user_id,
        count(*) AS visits,
        sum(events) AS events,
        sum(events) FILTER (WHERE session_id IS NOT NULL) AS in_sessions,
        sum(events) FILTER (WHERE session_id IS NULL) AS in_orders_alone,
        sum(in_orders) AS in_orders,
        count(*) FILTER (WHERE CASE
            WHEN session_id IS NOT NULL THEN started < ended_before
            ELSE started / 1000 <= ended_before / 1000 + $session_gap
        END) AS at_once
    FROM walk
    GROUP BY user_id
)
SELECT * FROM counted
WHERE at_once * 2 > visits
ORDER BY events DESC, user_id
