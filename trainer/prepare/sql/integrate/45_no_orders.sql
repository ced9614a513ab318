-- Stands in for the tables of order lines where there are no orders.
SELECT
    CAST(NULL AS BIGINT) AS source_row,
    CAST(NULL AS VARCHAR) AS rule,
    CAST(NULL AS VARCHAR) AS reason
WHERE FALSE
