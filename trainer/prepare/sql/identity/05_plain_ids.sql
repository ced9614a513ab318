-- The rows with ids of users, sessions and orders as whole numbers where they passed through a column
-- of floats: a program that meets a gap writes 17850 as 17850.0. An order "(not set)" is none.
SELECT
    r.* REPLACE (
        CASE
            WHEN r.user_id LIKE '%.0' THEN regexp_replace(r.user_id, '^([0-9]+)[.]0$', '\1')
            ELSE r.user_id
        END AS user_id,
        CASE
            WHEN r.session_id LIKE '%.0' THEN regexp_replace(r.session_id, '^([0-9]+)[.]0$', '\1')
            ELSE r.session_id
        END AS session_id,
        CASE
            WHEN p.word IS NOT NULL THEN NULL
            WHEN r.order_id LIKE '%.0' THEN regexp_replace(r.order_id, '^([0-9]+)[.]0$', '\1')
            ELSE r.order_id
        END AS order_id
    ),
    r.user_id LIKE '%.0' AND regexp_like(r.user_id, '^[0-9]+[.]0$') AS user_was_float,
    r.session_id LIKE '%.0' AND regexp_like(r.session_id, '^[0-9]+[.]0$') AS session_was_float
FROM read_rows r
LEFT JOIN placeholders p ON lower(r.order_id) = p.word
