-- The part of each session, 0 train, 1 valid, 2 test: the published one, else by its start or its
-- place in the order of time; without times, in the order of the source. A session whose parts differ
-- counts under its first.
SELECT
    session,
    started,
    first_row,
    CASE
        WHEN $has_split THEN first_split
        WHEN started >= $test_from THEN 2
        WHEN row_number() OVER (ORDER BY started NULLS FIRST, first_row) > $train_sessions THEN 2
        ELSE 0
    END AS part
FROM session_facts
