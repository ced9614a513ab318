-- Metrics have their noise from the device, and are released as estimates at every level.

-- The most metrics that any manifest asked one browser profile for while the window was open.
ALTER TABLE feedback_window ADD COLUMN metrics INTEGER NOT NULL DEFAULT 0;

-- How often each metric cell was reported in a released window, at the private level with noise.
-- Written in the transaction that releases, never changed.
CREATE TABLE released_metric (
    "window" INTEGER NOT NULL REFERENCES feedback_window ("window"),
    cell     TEXT    NOT NULL, -- JSON, as vitrine-core writes it
    count    INTEGER NOT NULL, -- may be below zero where the server added noise
    PRIMARY KEY ("window", cell)
) STRICT, WITHOUT ROWID;

DROP VIEW group_count;
CREATE VIEW group_count AS
SELECT "window", "table", cell,
       json_extract('0x' || hex(substr(nonce, 1, 4)), '$') % 20 AS nonce_group,
       count(*) AS reports
FROM raw_cell GROUP BY "window", "table", cell, nonce_group;

-- The ledger as it was, but for ε of the devices' noise and a rule that knows the local level.
CREATE TABLE ledger_with_metrics (
    "window"        INTEGER PRIMARY KEY REFERENCES feedback_window ("window"),
    window_seconds  INTEGER NOT NULL,
    released_at     INTEGER NOT NULL, -- Unix time in seconds
    level           TEXT    NOT NULL,
    -- What follows is NULL where the private level was not promised.
    epsilon         REAL,    -- promised for the window
    delta           REAL,    -- promised for the window
    sigma           REAL,    -- scale of the noise, in reports
    threshold       INTEGER, -- a noisy count below it was not published, in reports
    cells           INTEGER, -- L
    rho             REAL,    -- L / 2σ²
    noise_delta     REAL,    -- exact δ of the noise at this ε
    threshold_delta REAL,    -- exact bound for cells that one profile alone filled
    metric_epsilon  REAL,    -- ε of the devices' noise; NULL where no metric was asked for
    CHECK (level <> 'private' OR (
        epsilon IS NOT NULL AND delta IS NOT NULL AND sigma > 0 AND threshold > 0 AND cells > 0
        AND rho IS NOT NULL AND noise_delta IS NOT NULL AND threshold_delta IS NOT NULL))
) STRICT;
INSERT INTO ledger_with_metrics SELECT *, NULL FROM privacy_ledger;
DROP TABLE privacy_ledger;
ALTER TABLE ledger_with_metrics RENAME TO privacy_ledger;
