-- How a cell's reports spread over 20 groups of nonces. The group is the first four bytes of the
-- nonce's hash, modulo 20: chance decides it, and it says nothing that the hash does not.
CREATE VIEW group_count AS
SELECT "window", cell,
       json_extract('0x' || hex(substr(nonce, 1, 4)), '$') % 20 AS nonce_group,
       count(*) AS reports
FROM raw_cell GROUP BY "window", cell, nonce_group;
