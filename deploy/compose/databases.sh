#!/bin/sh
# Makes a role and its databases for each of the two that keep data in PostgreSQL. Safe to repeat:
# it also gives the roles the passwords of today's secrets.
set -eu
PGPASSWORD=$(cat /run/secrets/postgres.password)
export PGPASSWORD
sql() { # DATABASE, and flags of psql
	name=$1
	shift
	psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 "$@" \
		"host=postgres user=postgres dbname=$name sslmode=verify-full sslrootcert=/run/secrets/ca.crt"
}

role() { # NAME PASSWORD DATABASE...
	name=$1 password=$2
	shift 2
	echo "SELECT 'CREATE ROLE $name LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$name') \gexec"
	echo "ALTER ROLE $name PASSWORD '$password';"
	for database; do
		echo "SELECT 'CREATE DATABASE $database OWNER $name' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '$database') \gexec"
		echo "REVOKE ALL ON DATABASE $database FROM PUBLIC;"
	done
}

# Tables of a Temporal server that has never started may be half made: their job was killed. They are
# made anew if no table has a row, except those that the schema itself fills. The first database is
# the last to go, because it is what the next start looks at.
made=$(echo "SELECT count(*) FROM pg_database WHERE datname = 'temporal'" | sql postgres --tuples-only --no-align)
if [ "$made" = 1 ]; then
	filled=$(sql temporal --tuples-only --no-align <<-'END'
		SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
			AND tablename NOT IN ('schema_version', 'schema_update_history', 'namespace_metadata')
			AND query_to_xml(format('SELECT 1 AS row_is_there FROM %I.%I LIMIT 1', schemaname, tablename), false, true, '')::text LIKE '%row_is_there%';
	END
	)
	[ "$filled" != 0 ] || printf 'DROP DATABASE IF EXISTS %s;\n' temporal_visibility temporal | sql postgres
fi
{
	role temporal "$(cat /run/secrets/temporal.password)" temporal temporal_visibility
	role rekey "$(cat /run/secrets/rekey.password)" rekey
} | sql postgres
