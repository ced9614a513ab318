-- Sessions of more than a day: no visit lasts so long, but ids that several visits share do.
SELECT
    count(*) AS sessions,
    count(*) FILTER (WHERE ended - started > 86400000) AS long,
    first_value(session ORDER BY ended - started DESC NULLS LAST, session) AS longest,
    max(ended - started) / 86400000 AS days
FROM session_facts
