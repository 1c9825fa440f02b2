-- +goose Up

-- Accounts and sessions are for an application that keeps its accounts with rekey. One
-- that has a table of users of its own leaves these two empty.
CREATE TABLE rekey.accounts (
    id         text PRIMARY KEY CHECK (id <> ''),
    address    text NOT NULL,
    notify     text[] NOT NULL DEFAULT '{}',
    credential text NOT NULL DEFAULT '', -- the stored password hash
    disabled   boolean NOT NULL DEFAULT false,
    resettable boolean NOT NULL DEFAULT true
);
CREATE INDEX accounts_address ON rekey.accounts (lower(address));

CREATE TABLE rekey.sessions (
    key        bytea PRIMARY KEY, -- SHA-256(session ID)
    account_id text NOT NULL REFERENCES rekey.accounts ON DELETE CASCADE,
    credential bytea NOT NULL     -- SHA-256 of the credential that it was made under
);
CREATE INDEX sessions_account ON rekey.sessions (account_id);

CREATE TABLE rekey.tokens (
    key        bytea PRIMARY KEY, -- SHA-256(SHA-256(token))
    scope      text NOT NULL,
    account_id text NOT NULL,
    address    text NOT NULL,     -- the account's at issue
    credential bytea NOT NULL,    -- SHA-256 of the account's at issue
    run        text NOT NULL,
    mail       text NOT NULL,
    client     text NOT NULL,
    operator   text NOT NULL,
    issued     timestamptz NOT NULL,
    expires    timestamptz NOT NULL
);
CREATE INDEX tokens_account ON rekey.tokens (account_id);
CREATE INDEX tokens_expires ON rekey.tokens (expires);

-- Which mails count towards the daily limit.
CREATE TABLE rekey.mails (
    account_id text NOT NULL,
    mail       text NOT NULL,
    at         timestamptz NOT NULL, -- of the first attempt
    PRIMARY KEY (account_id, mail)
);
CREATE INDEX mails_at ON rekey.mails (at);

-- Which submissions were applied.
CREATE TABLE rekey.submissions (
    id         text PRIMARY KEY,
    account_id text NOT NULL,
    run        text NOT NULL,
    at         timestamptz NOT NULL
);
CREATE INDEX submissions_at ON rekey.submissions (at);

CREATE TABLE rekey.audit (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    event      text NOT NULL,
    run        text NOT NULL,
    account_id text NOT NULL, -- empty when no account is known
    client     text NOT NULL,
    operator   text NOT NULL,
    detail     text NOT NULL
);
CREATE INDEX audit_account ON rekey.audit (account_id, id);
