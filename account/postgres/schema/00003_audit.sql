-- +goose NO TRANSACTION
-- +goose Up

-- For the sweep of old lines and for `rekey audit`. Mails and changes write their lines
-- meanwhile. What a migration that was interrupted left is not valid, and is made anew.
DROP INDEX CONCURRENTLY IF EXISTS rekey.audit_at;
CREATE INDEX CONCURRENTLY audit_at ON rekey.audit (at);
DROP INDEX CONCURRENTLY IF EXISTS rekey.audit_run;
CREATE INDEX CONCURRENTLY audit_run ON rekey.audit (run);
