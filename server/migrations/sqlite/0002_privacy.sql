-- The private level: what is promised for a window, and what was spent.

-- The smallest ε and δ that was promised while the window was open; NULL at the unlinkable level.
ALTER TABLE feedback_window ADD COLUMN epsilon REAL;
ALTER TABLE feedback_window ADD COLUMN delta REAL;
-- L: the most cells that any manifest allowed one browser profile while the window was open. 64,
-- the most that a manifest may allow, for windows from before this column.
ALTER TABLE feedback_window ADD COLUMN cells INTEGER NOT NULL DEFAULT 64;

-- One row for each release, written in the transaction that releases, never changed. It names no
-- cell and holds no count.
CREATE TABLE privacy_ledger (
    "window"        INTEGER PRIMARY KEY REFERENCES feedback_window ("window"),
    window_seconds  INTEGER NOT NULL,
    released_at     INTEGER NOT NULL, -- Unix time in seconds
    level           TEXT    NOT NULL,
    -- What follows is NULL at the unlinkable level, which has no ε.
    epsilon         REAL,    -- promised for the window
    delta           REAL,    -- promised for the window
    sigma           REAL,    -- scale of the noise, in reports
    threshold       INTEGER, -- a noisy count below it was not published, in reports
    cells           INTEGER, -- L
    rho             REAL,    -- L / 2σ²
    noise_delta     REAL,    -- exact δ of the noise at this ε
    threshold_delta REAL,    -- exact bound for cells that one profile alone filled
    CHECK (level = 'unlinkable' OR (
        epsilon IS NOT NULL AND delta IS NOT NULL AND sigma > 0 AND threshold > 0 AND cells > 0
        AND rho IS NOT NULL AND noise_delta IS NOT NULL AND threshold_delta IS NOT NULL))
) STRICT;

INSERT INTO privacy_ledger ("window", window_seconds, released_at, level)
SELECT "window", window_seconds, released_at, level
FROM feedback_window WHERE released_at IS NOT NULL;
