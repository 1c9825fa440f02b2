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

# The schema of a server that has never started may be half made: its job was killed. It has no data,
# and the job makes it anew.
made=$(echo "SELECT count(*) FROM pg_database WHERE datname = 'temporal'" | sql postgres --tuples-only --no-align)
if [ "$made" = 1 ]; then
	used=$(sql temporal --tuples-only --no-align <<-'END'
		SELECT to_regclass('cluster_metadata_info') IS NOT NULL AS there \gset
		\if :there
			SELECT count(*) FROM cluster_metadata_info;
		\else
			SELECT 0;
		\endif
	END
	)
	[ "$used" != 0 ] || printf 'DROP DATABASE IF EXISTS %s;\n' temporal temporal_visibility | sql postgres
fi
{
	role temporal "$(cat /run/secrets/temporal.password)" temporal temporal_visibility
	role rekey "$(cat /run/secrets/rekey.password)" rekey
} | sql postgres
