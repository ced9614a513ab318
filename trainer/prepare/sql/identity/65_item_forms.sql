-- Whole numbers among the item ids, without what a program added or took: the ".0" of a column of
-- floats (three zeros may be a thousand), and leading zeros. A form stays as it is where it is
-- ambiguous: the items file has both 7 and 7.0, or one input has both 7 and 007.
WITH wholes AS (
    SELECT
        input,
        item_id,
        events,
        regexp_replace(item_id, '[.,]0+$', '') AS whole
    FROM item_ids
    WHERE regexp_like(item_id, '^[0-9]+([.]0|[.]00|[.]0000+|,0)?$')
),
two_in_catalogue AS (
    SELECT whole FROM wholes WHERE input = 'items' GROUP BY whole HAVING count(*) > 1
),
numbers AS (
    SELECT
        w.input,
        w.item_id,
        w.events,
        CASE WHEN c.whole IS NULL THEN w.whole ELSE w.item_id END AS whole,
        regexp_replace(w.whole, '^0+([0-9])', '\1') AS number
    FROM wholes w
    LEFT JOIN two_in_catalogue c ON w.whole = c.whole
),
by_input AS (
    SELECT number, input, count(DISTINCT whole) AS forms, min(whole) AS whole
    FROM numbers
    GROUP BY number, input
),
by_number AS (
    SELECT
        number,
        max(forms) AS most_forms,
        count(DISTINCT whole) AS wholes,
        -- The events' form is the one that pages send.
        first_value(whole ORDER BY CASE input WHEN 'events' THEN 0 WHEN 'orders' THEN 1 ELSE 2 END) AS whole
    FROM by_input
    GROUP BY number
)
SELECT
    n.input,
    n.item_id AS told,
    n.events,
    CASE WHEN b.most_forms = 1 THEN b.whole ELSE n.whole END AS item_id,
    b.most_forms > 1 AS ambiguous,
    b.most_forms = 1 AND b.whole <> n.whole AS zeros
FROM numbers n
JOIN by_number b ON n.number = b.number
WHERE n.item_id <> n.whole OR b.most_forms > 1 OR b.whole <> n.whole
