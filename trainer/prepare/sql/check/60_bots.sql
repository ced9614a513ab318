-- The visitors that were taken for bots, and the busiest of them.
WITH found AS (
    SELECT b.visitor, b.reason, count(*) AS events
    FROM cut c
    JOIN bots b ON coalesce('u' || c.user_id, 's' || c.session_id) = b.visitor
    GROUP BY b.visitor, b.reason
)
SELECT
    count(*) AS visitors,
    max(events) AS most,
    substr(first_value(visitor ORDER BY events DESC, visitor), 2) AS visitor,
    first_value(reason ORDER BY events DESC, visitor) AS reason
FROM found
