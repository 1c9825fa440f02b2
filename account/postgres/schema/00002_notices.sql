-- +goose Up

-- What is owed for a submission: account.Debt as JSON, with the addresses that are to be
-- told still. NULL for what was applied before this column: the account has them.
ALTER TABLE rekey.submissions ADD COLUMN debt text;
-- Whether somebody is to be told still.
ALTER TABLE rekey.submissions ADD COLUMN owed boolean NOT NULL DEFAULT false;
CREATE INDEX submissions_owed ON rekey.submissions (at) WHERE owed;

-- For runs that ended from outside.
CREATE INDEX submissions_run ON rekey.submissions (run);
CREATE INDEX tokens_run ON rekey.tokens (run);
