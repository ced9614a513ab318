SELECT
    min(source_session) AS source_session,
    min(user_id) AS one_user,
    count(DISTINCT user_id) AS users
FROM events
WHERE session_id = $session
