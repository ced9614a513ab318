-- Sessions by the day on which they begin.
SELECT started / 86400000 AS day, count(*) AS sessions
FROM session_facts
WHERE started IS NOT NULL
GROUP BY started / 86400000
ORDER BY day
