-- As migrations/sqlite/0004_metrics.sql.

ALTER TABLE feedback_window ADD COLUMN metrics BIGINT NOT NULL DEFAULT 0;

CREATE TABLE released_metric (
    "window" BIGINT NOT NULL REFERENCES feedback_window ("window"),
    cell     TEXT   NOT NULL,
    count    BIGINT NOT NULL,
    PRIMARY KEY ("window", cell)
);

DROP VIEW group_count;
CREATE VIEW group_count AS
SELECT "window", "table", cell,
       CAST(CAST('x' || encode(substr(nonce, 1, 4), 'hex') AS BIT(32)) AS BIGINT) % 20
         AS nonce_group,
       count(*) AS reports
FROM raw_cell GROUP BY "window", "table", cell, nonce_group;

ALTER TABLE privacy_ledger ADD COLUMN metric_epsilon DOUBLE PRECISION;
ALTER TABLE privacy_ledger DROP CONSTRAINT privacy_ledger_check;
ALTER TABLE privacy_ledger ADD CHECK (level <> 'private' OR (
    epsilon IS NOT NULL AND delta IS NOT NULL AND sigma > 0 AND threshold > 0 AND cells > 0
    AND rho IS NOT NULL AND noise_delta IS NOT NULL AND threshold_delta IS NOT NULL));
