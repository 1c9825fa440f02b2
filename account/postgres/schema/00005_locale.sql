-- +goose Up

-- The language of the owner's mails, a BCP 47 tag. An application may have put a view of its own users
-- in place of the table; it adds the column itself.
-- +goose StatementBegin
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('rekey.accounts') AND relkind IN ('r', 'p')) THEN
        ALTER TABLE rekey.accounts ADD COLUMN IF NOT EXISTS locale text NOT NULL DEFAULT '';
    END IF;
END $$;
-- +goose StatementEnd
