-- As migrations/sqlite/0006_left_out.sql.
ALTER TABLE feedback_window ADD COLUMN left_out BIGINT NOT NULL DEFAULT 0;
