# Installs the unit as docs/deploy/one.md does, and uses it. It ends at the first surprise.
set -eEux
trap 'tail -n 5 /var/out/log; systemctl status --no-pager rekey' ERR
useradd --system --home-dir /var/lib/rekey --shell /usr/sbin/nologin rekey
install -d -m 700 -o rekey -g rekey /var/lib/rekey
mount -t tmpfs -o size=16m,mode=700,uid=rekey,gid=rekey tmpfs /var/lib/rekey
install -d -m 750 -o root -g rekey /etc/rekey /etc/rekey/secrets
install -m 640 -o root -g rekey /dev/null /etc/rekey/secrets/smtp.password
echo any >/etc/rekey/secrets/smtp.password
install -m 640 -o root -g rekey /var/out/rekey.env /etc/rekey/rekey.env
rekey-inbox /var/lib/rekey/accounts.db
chown rekey: /var/lib/rekey/accounts.db

post() { curl -sS --retry 20 --retry-connrefused --retry-delay 1 -w ' %{http_code}' -H 'Content-Type: application/json' -d "$2" "http://127.0.0.1:8080$1"; }
forgot() { post /account/forgot_password "{\"email\":\"$1@example.com\"}" | grep ' 200'; }
reset() { post "/account/reset_password/$1" "{\"password\":\"$2\"}"; }
# link is the token in the only mail of somebody.
link() {
	for _ in $(seq 300); do
		id=$(curl -sS "http://127.0.0.1:8025/api/v1/search?query=to:$1@example.com" | grep -o '"ID":"[^"]*"' | head -n 1 | cut -d '"' -f 4) || true
		[ -z "$id" ] || break
		sleep 0.1
	done
	curl -sS "http://127.0.0.1:8025/api/v1/message/$id" | grep -o 'change-password/[A-Za-z0-9_-]*' | head -n 1 | cut -d / -f 2
}
restarts() { for _ in $(seq 300); do [ "$(systemctl show -P NRestarts rekey)" != "$1" ] || break; sleep 0.1; done; [ "$(systemctl show -P NRestarts rekey)" = "$1" ]; }

systemctl start rekey # it returns when all parts answer
status=/proc/$(systemctl show -P MainPID rekey)/status
grep -q 'CapEff:.0000000000000000' "$status"
grep -q 'NoNewPrivs:.1' "$status"
grep -q 'Seccomp:.2' "$status"
forgot alice
alice=$(link alice)
reset "$alice" 'plum velvet thirty gulls' | grep ' 200'
forgot bob
bob=$(link bob)
rekey one backup --data /var/lib/rekey /var/out/monday

# A disk that is full half way through a copy leaves nothing of it, and the product goes on.
dd if=/dev/zero of=/var/lib/rekey/full bs=4k || true
truncate -s -256K /var/lib/rekey/full
if rekey one backup --data /var/lib/rekey /var/out/tuesday 2>/var/out/why; then false; fi
cat /var/out/why
grep 'could not copy its data' /var/out/why
rm /var/lib/rekey/full
[ -z "$(find /var/out /var/lib/rekey -name 'tuesday*' -o -name .backup)" ]
rekey one backup --data /var/lib/rekey /var/out/tuesday

# A kill, a panic and the watchdog's abort end in a restart.
systemctl kill -s KILL rekey
restarts 1
systemctl kill -s ABRT rekey
restarts 2
reset "$alice" 'brass kettle under ferns' | grep link_used

# The copy is put back by root, and given to the user of the unit.
systemctl stop rekey
umount /var/lib/rekey
rmdir /var/lib/rekey
cp -a /var/out/monday /var/lib/rekey
systemctl start rekey
[ "$(stat -c %U:%a /var/lib/rekey/keys/link.json)" = rekey:600 ]
reset "$alice" 'brass kettle under ferns' | grep link_used
reset "$bob" 'plum velvet thirty gulls' | grep ' 200'
systemctl stop rekey
[ "$(systemctl show -P Result rekey)" = success ]
echo passed
