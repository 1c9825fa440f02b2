-- +goose Up

-- Submissions that an application elsewhere may have applied, which rekey does not know yet:
-- account.Begun as JSON.
CREATE TABLE rekey.begun (
    submission text PRIMARY KEY,
    account_id text NOT NULL,
    run        text NOT NULL,
    at         timestamptz NOT NULL,
    begun      text NOT NULL,
    ended      boolean NOT NULL DEFAULT false -- that the run has ended
);
CREATE INDEX begun_run ON rekey.begun (run);
