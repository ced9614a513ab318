-- As migrations/sqlite/0005_named_windows.sql.

ALTER TABLE feedback_window ADD COLUMN transitions BIGINT NOT NULL DEFAULT 0;
ALTER TABLE feedback_window ADD COLUMN items BIGINT NOT NULL DEFAULT 0;
ALTER TABLE feedback_window ADD COLUMN impressions BIGINT NOT NULL DEFAULT 0;
ALTER TABLE feedback_window ADD COLUMN epsilon_ceiling DOUBLE PRECISION;
UPDATE feedback_window SET transitions = greatest(cells - metrics, 0);
ALTER TABLE feedback_window DROP COLUMN cells;

CREATE TABLE server_clock (
    server         TEXT   PRIMARY KEY,
    clock          BIGINT NOT NULL,
    database_clock BIGINT NOT NULL
);
