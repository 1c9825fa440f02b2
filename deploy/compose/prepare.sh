#!/bin/sh
# Prepares a machine for docker-compose.yml, before the first start and after each upgrade. It makes
#
#	.env                     settings, with the values of the demo
#	deploy/compose/secrets   passwords, and certificates of a separate authority, whose key is
#	                         thrown away
#
# Existing files stay. The certificates are valid for two years; to renew them delete ca.crt, run this
# again and restart everything.
#
# Every user may read the secrets, because each container has another one. Nobody else may enter their
# folder, and a container sees only the files that are meant for it.
set -eu
umask 077
cd "$(dirname "$0")"

newer() { # WHAT VERSION LEAST
	[ "$(printf '%s\n' "$2" "$3" | sort -V | head -n 1)" = "$3" ] || {
		echo "$1 is $2: rekey needs $3 or newer, which mounts single files of a volume (volume.subpath)" >&2
		exit 1
	}
}
engine=$(docker version --format '{{.Server.Version}}')
compose=$(docker compose version --short)
newer "Docker Engine" "$engine" 26
newer "Docker Compose" "${compose#v}" 2.26

# Containers have these files mounted, and other users: a checkout under umask 077 hides them.
chmod a+r ./*.sh temporal.yaml
if [ ! -e ../../.env ]; then
	! docker volume inspect rekey_postgres >/dev/null 2>&1 || {
		echo "there are data of rekey and no .env: write your settings there; without them it would be the demo's" >&2
		exit 1
	}
	cp demo.env ../../.env
	echo "made .env with the settings of the demo"
fi
mkdir -p secrets
cd secrets
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
	openssl x509 -req -in "$authority/request" -CA "$authority/crt" -CAkey "$authority/key" -days 730 \
		-set_serial "0x$(openssl rand -hex 16)" -extfile "$authority/extensions" -out "$1.crt"
}

if [ ! -e ca.crt ]; then
	rm -f ./*.key ./*.crt
	request "$authority/key" "rekey compose" -x509 -days 730 -addext keyUsage=critical,keyCertSign -out "$authority/crt"
	for name in postgres temporal mailpit; do certificate "$name"; done
	mv "$authority/crt" ca.crt # the last: what is interrupted begins anew
fi 2>"$authority/log"

for name in postgres.password temporal.password rekey.password codec.bearer; do
	[ -s "$name" ] || { openssl rand -hex 24 >"$authority/$name" && mv "$authority/$name" "$name"; }
done
# Yours to fill: the mail server's password, or client secret and refresh token of XOAUTH2; the secrets
# of requests to your application.
for name in smtp.password smtp.oauth-secret smtp.oauth-refresh users.secret events.secret; do
	[ -e "$name" ] || : >"$name"
done
chmod 644 ./*
