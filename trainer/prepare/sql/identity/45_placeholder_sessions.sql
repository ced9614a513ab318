-- Sessions whose id is a placeholder, beside an ordinary session.
WITH sessions AS (
    SELECT session_id, sum(events) AS events, count(DISTINCT user_id) AS users
    FROM visits
    WHERE session_id IS NOT NULL
    GROUP BY session_id
)
SELECT s.session_id, s.events, s.users, (SELECT avg(events) FROM sessions) AS mean
FROM sessions s
LEFT JOIN placeholders p ON lower(s.session_id) = p.word
WHERE p.word IS NOT NULL OR regexp_like(s.session_id, '^[0-]+$')
ORDER BY s.events DESC, s.session_id
