-- A role for whoever trains: it reads what was released and nothing else. Run it once, as the
-- owner of the database that vitrine-server writes, after the server's first start:
--   psql "$VITRINE_SERVER_DATABASE" -f vitrine_trainer.sql
-- then let people in with GRANT vitrine_trainer TO somebody.
--
-- The view group_count must not be granted: a view reads with its owner's rights, and this one
-- reads raw rows.
CREATE ROLE vitrine_trainer NOLOGIN;
REVOKE ALL ON raw_cell, surviving_cell, spent_nonce, group_count FROM PUBLIC, vitrine_trainer;
GRANT USAGE ON SCHEMA public TO vitrine_trainer;
GRANT SELECT ON feedback_window, released_cell, released_metric, privacy_ledger TO vitrine_trainer;
