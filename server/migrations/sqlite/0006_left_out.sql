-- How many cells passed a release's rule and were not released, because a file of all would be longer
-- than training reads.
ALTER TABLE feedback_window ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
