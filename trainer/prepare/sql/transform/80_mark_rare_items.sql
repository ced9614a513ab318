-- Each event with its part. Rare items are dropped from what is learned, never from what is
-- tested: an item that a model can't know counts against it there.
SELECT
    p.source_row,
    p.user_id,
    p.session_id,
    p.item_id,
    p.ts,
    p.action,
    p.price,
    p.quantity,
    p.session,
    p.place,
    s.started,
    s.first_row,
    s.part AS session_part,
    coalesce(p.split, s.part) AS part,
    CASE WHEN r.item_id IS NOT NULL AND coalesce(p.split, s.part) = 0 THEN 'rare_item' END AS rule,
    CASE
        WHEN r.item_id IS NOT NULL AND coalesce(p.split, s.part) = 0
            THEN 'the item has ' || CAST(r.events AS VARCHAR) || CASE
                WHEN r.events = 1 THEN ' event in all' ELSE ' events in all'
            END
    END AS reason
FROM people p
JOIN session_parts s ON p.session = s.session
LEFT JOIN rare_items r ON p.item_id = r.item_id
