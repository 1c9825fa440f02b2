-- +goose Up

-- For the sweep of old lines and for `rekey audit`.
CREATE INDEX audit_at ON rekey.audit (at);
CREATE INDEX audit_run ON rekey.audit (run);
