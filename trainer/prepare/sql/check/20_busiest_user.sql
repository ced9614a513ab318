-- The user with the most rows among those that are kept, beside all of them.
WITH users AS (
    SELECT v.user_id, sum(v.events) AS events
    FROM visits v
    LEFT JOIN nobody n ON v.user_id = n.user_id
    LEFT JOIN bots b ON 'u' || v.user_id = b.visitor
    WHERE v.user_id IS NOT NULL AND n.user_id IS NULL AND b.visitor IS NULL
    GROUP BY v.user_id
)
SELECT
    count(*) AS users,
    max(events) AS most,
    first_value(user_id ORDER BY events DESC, user_id) AS user_id,
    (SELECT sum(events) FROM visits) AS events
FROM users
