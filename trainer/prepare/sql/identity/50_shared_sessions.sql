-- Session ids with several users: is the id unique and somebody logged in during the visit, or does
-- each user count sessions for himself? After a login one user's events end and, before the session
-- gap is over, another's begin; sessions that are counted by user are days apart, or of many users.
WITH pairs AS (
    SELECT v.session_id, v.user_id, min(v.started) AS started, max(v.ended) AS ended
    FROM visits v
    LEFT JOIN nobody n ON v.user_id = n.user_id
    LEFT JOIN no_sessions z ON v.session_id = z.session_id
    WHERE n.user_id IS NULL AND z.session_id IS NULL
        AND v.input = 'events' AND v.user_id IS NOT NULL AND v.session_id IS NOT NULL
    GROUP BY v.session_id, v.user_id
),
walk AS (
    SELECT
        session_id,
        user_id,
        started,
        max(ended) OVER (
            PARTITION BY session_id
            ORDER BY started, ended, user_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS ended_before
    FROM pairs
),
sessions AS (
    SELECT
        session_id,
        count(*) AS users,
        max(started / 1000 - ended_before / 1000) AS pause,
        min(started) AS started,
        min(user_id) AS one_user,
        max(user_id) AS another_user
    FROM walk
    GROUP BY session_id
)
SELECT
    count(*) AS sessions,
    sum(users) AS pairs,
    max(users) AS most_users,
    count(*) FILTER (WHERE users > 1) AS shared,
    count(*) FILTER (WHERE users > 1 AND users <= 3 AND pause <= $session_gap) AS handed_over,
    count(*) FILTER (WHERE users > 3 OR pause > $session_gap) AS apart,
    -- Long ids with letters, and numbers beyond any clock, are drawn at random.
    count(*) FILTER (
        WHERE users > 1 AND length(session_id) >= 16
            AND (length(session_id) > 16 OR NOT regexp_like(session_id, '^[0-9]+$'))
            AND NOT regexp_like(session_id, '^[0-9]{4}-[0-9]{2}-[0-9]{2}')
    ) AS random,
    -- GA4's ga_session_id is the second in which the session began.
    count(*) FILTER (
        WHERE abs(try_cast(session_id AS DOUBLE) * 1000 - started) < 86400000
            OR abs(try_cast(session_id AS DOUBLE) - started) < 86400000
    ) AS clocked,
    first_value(session_id ORDER BY users DESC, session_id) AS example,
    first_value(one_user ORDER BY users DESC, session_id) AS one_user,
    first_value(another_user ORDER BY users DESC, session_id) AS another_user
FROM sessions
