-- Session numbers from 0: train first, then valid and test, each in the order of time, or of the
-- source where there are no times. Sessions that are too short by now get none.
WITH lengths AS (
    SELECT
        session,
        min(session_part) AS part,
        min(started) AS started,
        min(first_row) AS first_row,
        count(*) AS length
    FROM placed
    WHERE rule IS NULL
    GROUP BY session
)
SELECT
    session,
    length,
    row_number() OVER (ORDER BY part, started, first_row) - 1 AS session_id
FROM lengths
WHERE length >= $min_session_length
