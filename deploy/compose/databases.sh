#!/bin/sh
# Run once by the postgres image, when its volume is empty: a role and a database of its own
# for each of the two that keep data here.
set -eu

role() { # NAME PASSWORD DATABASE...
	name=$1 password=$2
	shift 2
	echo "CREATE ROLE $name LOGIN PASSWORD '$password';"
	for database; do
		echo "CREATE DATABASE $database OWNER $name;"
		echo "REVOKE ALL ON DATABASE $database FROM PUBLIC;"
	done
}

{
	role temporal "$(cat /run/secrets/temporal.password)" temporal temporal_visibility
	role rekey "$(cat /run/secrets/rekey.password)" rekey
} | psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres
