-- When each session starts, where it stands in the source, and which part was published for it.
SELECT
    session,
    min(ts) AS started,
    max(ts) AS ended,
    min(source_row) AS first_row,
    min(split) AS first_split,
    max(split) AS last_split
FROM people
GROUP BY session
