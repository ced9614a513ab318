-- The rows of one user in one session or order: as many as there are visits, far fewer than events.
SELECT
    input,
    user_id,
    session_id,
    order_id,
    min(ts) AS started,
    max(ts) AS ended,
    count(*) AS events,
    count(*) FILTER (WHERE user_was_float) AS user_floats,
    count(*) FILTER (WHERE session_was_float) AS session_floats
FROM who_and_when
GROUP BY input, user_id, session_id, order_id
