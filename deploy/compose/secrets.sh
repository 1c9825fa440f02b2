#!/bin/sh
# Makes the secrets of the containers of docker-compose.yml, in deploy/compose/secrets or the named
# folder: passwords, and certificates of a separate authority, whose key is thrown away. Existing
# files stay. The certificates are valid for two years; to renew them delete ca.crt, run this again
# and restart everything.
#
# Every user may read the files, because each container has another one. Nobody else may enter the
# folder, and a container sees only the files that are meant for it.
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
cd "$folder"
authority=$(mktemp -d)
trap '[ $? -eq 0 ] || cat "$authority/log" >&2; rm -rf "$authority"' EXIT
: >"$authority/log"

request() { # FILE SUBJECT, and more flags: a fresh key and what is said about it
	key=$1 subject=$2
	shift 2
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$key" -subj "/CN=$subject" "$@"
}

certificate() { # NAME: what its clients call that service
	printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\n' "$1" >"$authority/extensions"
	request "$1.key" "$1" -out "$authority/request"
	openssl x509 -req -in "$authority/request" -CA ca.crt -CAkey "$authority/key" -days 730 \
		-set_serial "0x$(openssl rand -hex 16)" -extfile "$authority/extensions" -out "$1.crt"
}

if [ ! -e ca.crt ]; then
	rm -f ./*.key ./*.crt
	request "$authority/key" "rekey compose" -x509 -days 730 -addext keyUsage=critical,keyCertSign -out "$authority/crt"
	cp "$authority/crt" ca.crt
	for name in postgres temporal mailpit; do certificate "$name"; done
fi 2>"$authority/log"

for name in postgres.password temporal.password rekey.password codec.bearer; do
	[ -e "$name" ] || openssl rand -hex 24 >"$name"
done
# For what your mail server wants: a password, or the client secret and the refresh token of XOAUTH2.
for name in smtp.password smtp.oauth-secret smtp.oauth-refresh; do
	[ -e "$name" ] || : >"$name"
done
chmod 644 ./*
