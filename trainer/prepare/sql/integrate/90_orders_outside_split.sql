-- A published split assigns events, not orders: an order line that is not among the events has no
-- part, and none is made up.
SELECT
    source_row,
    'missing_split' AS rule,
    'the events carry a split of their own and hold no such purchase' AS reason
FROM orders_placed
WHERE $has_split
