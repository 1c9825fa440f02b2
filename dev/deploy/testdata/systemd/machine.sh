# A machine for one unit: systemd as the first process of its own namespaces, on a copy of this root
# that ends with it. The folder W has out/, and the files that are installed.
set -e
if [ -z "$inside" ]; then
	mkdir "$W/cgroup"
	mount -t cgroup2 none "$W/cgroup"
	mkdir "$W/cgroup/rekey-$$"
	echo $$ >"$W/cgroup/rekey-$$/cgroup.procs"
	inside=yes exec unshare --mount --pid --ipc --uts --cgroup --net --fork --kill-child sh "$0"
fi
mount --make-rprivate /
mkdir "$W/upper" "$W/work" "$W/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$W/upper,workdir=$W/work" "$W/root"
cd "$W/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs tmpfs dev
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir dev/shm dev/pts
ln -s /proc/self/fd dev/fd
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir -p var/out
mount --bind "$W/out" var/out
ip link set lo up
rm -rf lib/systemd/system/*.wants etc/systemd/system/*.wants etc/systemd/system/*.target.d # of this machine
install -m 755 "$W/rekey" usr/local/bin/rekey
install -m 755 "$W/inbox" usr/local/bin/rekey-inbox
install -m 644 "$W/rekey.service" etc/systemd/system/rekey.service
mkdir etc/systemd/system/rekey.service.d
printf '[Service]\nStandardOutput=append:/var/out/log\nStandardError=append:/var/out/log\n' >etc/systemd/system/rekey.service.d/log.conf
printf '[Service]\nExecStart=/usr/local/bin/rekey-inbox\n' >etc/systemd/system/inbox.service
printf '[Unit]\nDefaultDependencies=no\nWants=probe.service\n' >etc/systemd/system/probe.target
cat >etc/systemd/system/probe.service <<E
[Unit]
After=inbox.service
Wants=inbox.service
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
TimeoutStartSec=3min
ExecStart=/bin/bash /var/out/probe.sh
StandardOutput=append:/var/out/said
StandardError=append:/var/out/said
E
mkdir old
pivot_root . old
umount -l old
mount --make-rshared / # systemd mounts credentials through it
container=other exec /lib/systemd/systemd --system --unit=probe.target --log-target=null
