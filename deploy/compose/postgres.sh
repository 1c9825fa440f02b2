#!/bin/sh
# Starts PostgreSQL. The first start makes its files under another name: they are whole, or made anew.
set -eu
data=/var/lib/postgresql/data
if [ ! -e "$data/PG_VERSION" ]; then # a volume of rekey 0.2.0 has the files right there
	if [ ! -e "$data/main" ]; then
		rm -rf "$data/new"
		initdb --pgdata="$data/new" --username=postgres --pwfile=/run/secrets/postgres.password \
			--auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale-provider=builtin --locale=C.UTF-8
		echo 'hostssl all all all scram-sha-256' >>"$data/new/pg_hba.conf"
		sync
		mv "$data/new" "$data/main"
	fi
	data=$data/main
fi
# PostgreSQL takes a key only from a file of its own that no one else may read.
install -m 600 /run/secrets/postgres.key /run/postgresql/tls.key
exec postgres -D "$data" -c listen_addresses='*' \
	-c ssl=on -c ssl_cert_file=/run/secrets/postgres.crt -c ssl_key_file=/run/postgresql/tls.key
