-- The end of the history without sessions far behind it.
SELECT max(ended) AS last_ms FROM session_facts WHERE started < $regular_until
