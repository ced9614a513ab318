-- The tables of migrations/sqlite, where every column is explained; here is what is otherwise in
-- PostgreSQL. No statistics are kept of what raw rows hold: ANALYZE would copy frequent cells into
-- pg_statistic, where they would outlive their release.

CREATE TABLE feedback_window (
    "window"       BIGINT PRIMARY KEY,
    window_seconds BIGINT NOT NULL,
    level          TEXT   NOT NULL,
    k              BIGINT NOT NULL,
    released_at    BIGINT,
    epsilon        DOUBLE PRECISION,
    delta          DOUBLE PRECISION,
    cells          BIGINT NOT NULL
);

-- Without a reference to feedback_window: it would be looked up, and locked, once for each row.
-- The heap is in order of arrival, unlike SQLite's table: see docs/server.md.
CREATE TABLE raw_cell (
    nonce    BYTEA  PRIMARY KEY,
    binding  BYTEA  NOT NULL,
    "window" BIGINT NOT NULL,
    day      BIGINT NOT NULL,
    "table"  TEXT   NOT NULL,
    cell     TEXT   NOT NULL
);

-- Empty but during a release: deleted rows stay in their pages until these are vacuumed and
-- written over. So a release takes the rows of other windows here, truncates raw_cell, which gives
-- it a new file and removes the old one, and brings them back.
CREATE TABLE surviving_cell (
    nonce    BYTEA  NOT NULL,
    binding  BYTEA  NOT NULL,
    "window" BIGINT NOT NULL,
    day      BIGINT NOT NULL,
    "table"  TEXT   NOT NULL,
    cell     TEXT   NOT NULL
);

ALTER TABLE raw_cell
    ALTER COLUMN nonce SET STATISTICS 0, ALTER COLUMN binding SET STATISTICS 0,
    ALTER COLUMN cell SET STATISTICS 0;
ALTER TABLE surviving_cell
    ALTER COLUMN nonce SET STATISTICS 0, ALTER COLUMN binding SET STATISTICS 0,
    ALTER COLUMN cell SET STATISTICS 0;

CREATE TABLE spent_nonce (
    nonce    BYTEA  PRIMARY KEY,
    binding  BYTEA  NOT NULL,
    "window" BIGINT NOT NULL REFERENCES feedback_window ("window")
);

CREATE TABLE released_cell (
    "window" BIGINT NOT NULL REFERENCES feedback_window ("window"),
    cell     TEXT   NOT NULL,
    count    BIGINT NOT NULL,
    PRIMARY KEY ("window", cell)
);

CREATE TABLE privacy_ledger (
    "window"        BIGINT PRIMARY KEY REFERENCES feedback_window ("window"),
    window_seconds  BIGINT NOT NULL,
    released_at     BIGINT NOT NULL,
    level           TEXT   NOT NULL,
    epsilon         DOUBLE PRECISION,
    delta           DOUBLE PRECISION,
    sigma           DOUBLE PRECISION,
    threshold       BIGINT,
    cells           BIGINT,
    rho             DOUBLE PRECISION,
    noise_delta     DOUBLE PRECISION,
    threshold_delta DOUBLE PRECISION,
    CHECK (level = 'unlinkable' OR (
        epsilon IS NOT NULL AND delta IS NOT NULL AND sigma > 0 AND threshold > 0 AND cells > 0
        AND rho IS NOT NULL AND noise_delta IS NOT NULL AND threshold_delta IS NOT NULL))
);

CREATE TABLE write_probe (
    filler BYTEA NOT NULL
);

CREATE VIEW group_count AS
SELECT "window", cell,
       CAST(CAST('x' || encode(substr(nonce, 1, 4), 'hex') AS BIT(32)) AS BIGINT) % 20
         AS nonce_group,
       count(*) AS reports
FROM raw_cell GROUP BY "window", cell, nonce_group;
