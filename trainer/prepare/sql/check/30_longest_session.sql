-- The longest session, and all events.
SELECT
    max(length) AS longest,
    sum(length) AS events,
    count(*) AS sessions,
    first_value(session_id ORDER BY length DESC, session_id) AS session_id
FROM numbered
