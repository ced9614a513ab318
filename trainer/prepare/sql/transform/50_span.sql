-- The time span, the number of sessions, and whether parts lie within sessions.
SELECT
    count(*) AS sessions,
    min(started) AS first_ms,
    max(ended) AS last_ms,
    count(*) FILTER (WHERE first_split <> last_split) AS mixed
FROM session_facts
