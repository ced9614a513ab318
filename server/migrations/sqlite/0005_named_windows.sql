-- Reports name their window. L is kept by table, because the split of L may change while a window
-- is open, and the ceiling beside it, because a release may be run without the configuration.

ALTER TABLE feedback_window ADD COLUMN transitions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE feedback_window ADD COLUMN items INTEGER NOT NULL DEFAULT 0;
ALTER TABLE feedback_window ADD COLUMN impressions INTEGER NOT NULL DEFAULT 0;
-- The smallest that any server was configured with while the window was open; NULL: none.
ALTER TABLE feedback_window ADD COLUMN epsilon_ceiling REAL;
-- Of windows from before only the sum is known; it is what counts.
UPDATE feedback_window SET transitions = max(cells - metrics, 0);
ALTER TABLE feedback_window DROP COLUMN cells;

-- The clocks of running servers, so that no release closes a window which a server still has open.
CREATE TABLE server_clock (
    server         TEXT    PRIMARY KEY, -- random, drawn when the server starts
    clock          INTEGER NOT NULL,    -- the server's, Unix time in seconds
    database_clock INTEGER NOT NULL     -- the database's at the same moment
) STRICT, WITHOUT ROWID;
