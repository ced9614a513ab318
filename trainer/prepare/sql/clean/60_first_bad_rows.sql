-- The first of them, for the message.
SELECT file, line, rule, reason
FROM events_judged
WHERE rule IN (
    'unreadable_row', 'bad_time', 'unknown_action', 'unknown_split',
    'missing_item', 'nested_id', 'header_row', 'missing_visitor', 'unplaced_visitor',
    'missing_split', 'missing_time', 'impossible_time'
)
ORDER BY source_row
LIMIT 5
