-- The events of everybody else.
SELECT c.*
FROM cut c
LEFT ANTI JOIN bots b ON coalesce('u' || c.user_id, 's' || c.session_id) = b.visitor
