#!/bin/sh
# Brings the two schemas of the Temporal server up to the version of the image. Safe to repeat.
set -eu
SQL_PASSWORD=$(cat /run/secrets/temporal.password)
export SQL_PASSWORD
for schema in temporal visibility; do
	SQL_DATABASE=temporal
	[ "$schema" = temporal ] || SQL_DATABASE=temporal_$schema
	export SQL_DATABASE
	temporal-sql-tool setup-schema --version 0.0
	temporal-sql-tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$schema/versioned"
done
