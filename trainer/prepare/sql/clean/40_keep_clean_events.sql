-- The events that broke no rule so far.
SELECT source_row, user_id, session_id, item_id, ts, action, price, quantity, position, split
FROM events_judged
WHERE rule IS NULL
