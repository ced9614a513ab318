-- What the server keeps of feedback, and for how long. No column here can hold an address, a
-- user agent, a time of day or an order of arrival.

-- One row for each window that received a report.
CREATE TABLE feedback_window (
    -- The window spans ["window", "window" + 1) * window_seconds of Unix time. The number alone
    -- is the key although window_seconds may change with a manifest: the same number at two
    -- lengths would be two moments whose Unix times are in the ratio of those lengths.
    "window"       INTEGER PRIMARY KEY,
    window_seconds INTEGER NOT NULL,
    level          TEXT    NOT NULL,
    -- The largest k that any manifest promised while the window was open.
    k              INTEGER NOT NULL,
    -- Unix time in seconds; NULL until the window is released. Set once, in the transaction
    -- that fills released_cell and deletes the window's raw cells.
    released_at    INTEGER
) STRICT;

-- Reports of windows that are not released yet. Clustered by a hash of a random number, so
-- that the rows' order on the disk says nothing about the order in which they came.
CREATE TABLE raw_cell (
    nonce    BLOB    PRIMARY KEY, -- 16 bytes of a hash of the nonce
    binding  BLOB    NOT NULL,    -- 16 bytes of a hash of the nonce and the cell together
    "window" INTEGER NOT NULL REFERENCES feedback_window ("window"),
    day      INTEGER NOT NULL,    -- of arrival by the server's clock, days of Unix time
    "table"  TEXT    NOT NULL,
    cell     TEXT    NOT NULL     -- JSON, as vitrine-core writes it
) STRICT, WITHOUT ROWID;

-- Empty but during a release. SQLite overwrites a row when it is deleted, but not the copies of
-- it that moving rows between pages left behind in pages that stay in use. So a release does not
-- pick its rows out of raw_cell: it takes the others to this table, empties raw_cell, which
-- overwrites its pages whole, and brings them back.
CREATE TABLE surviving_cell (
    nonce    BLOB    PRIMARY KEY,
    binding  BLOB    NOT NULL,
    "window" INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    "table"  TEXT    NOT NULL,
    cell     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Nonces of released windows, for as long as a retry of theirs must not count again. Neither
-- hash tells the cell: without the nonce, which is gone, the binding cannot be tried out.
CREATE TABLE spent_nonce (
    nonce    BLOB    PRIMARY KEY,
    binding  BLOB    NOT NULL,
    "window" INTEGER NOT NULL REFERENCES feedback_window ("window")
) STRICT, WITHOUT ROWID;

-- What training may read. Rows are written once and never changed.
CREATE TABLE released_cell (
    "window" INTEGER NOT NULL REFERENCES feedback_window ("window"),
    cell     TEXT    NOT NULL,
    count    INTEGER NOT NULL,
    PRIMARY KEY ("window", cell)
) STRICT, WITHOUT ROWID;

-- A row is written and deleted here to see whether the database takes writes.
CREATE TABLE write_probe (
    filler BLOB NOT NULL
) STRICT;
