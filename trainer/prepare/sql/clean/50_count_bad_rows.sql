-- How much of the input could not be used at all: a sign of wrongly mapped columns.
SELECT
    count(*) AS events,
    count(*) FILTER (WHERE rule IN (
        'unreadable_row', 'bad_time', 'unknown_action', 'unknown_split',
        'missing_item', 'nested_id', 'header_row', 'missing_visitor', 'unplaced_visitor',
        'missing_split', 'missing_time', 'impossible_time'
    )) AS bad
FROM events_judged
