#!/bin/bash
# The first process of the guest. boot.ts gives it RUN, a folder shared with the host, and MODULES by the kernel's
# command line. It makes a machine of the host's files, runs one command, leaves its status in RUN, and powers off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
release=$(uname -r)

# The host's files lie below, what the guest writes lies above in memory: nothing of it reaches the host.
mount -t proc proc /proc
insmod "$MODULES/$release/kernel/fs/overlayfs/overlay.ko"
mount -t tmpfs -o size=80% tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
cat >/mnt/fstab <<'END'
sysfs    /sys     sysfs
devtmpfs /dev     devtmpfs
tmpfs    /dev/shm tmpfs    X-mount.mkdir
tmpfs    /run     tmpfs
END
# pivot_root moves every process, the kernel's own too: so /sbin/modprobe, which they start, sees what we see.
cd /mnt/root && mkdir -p .host && pivot_root . .host && cd / || exit

mount -t proc proc /proc
mount --all --fstab /.host/mnt/fstab
ln -s /proc/self/fd /dev/fd
mkdir -p /run/netns /lib/modules
ln -sfn "/.host$MODULES/$release" "/lib/modules/$release"

mapfile -d '' -t shared <"/.host$RUN/shared"
for folder in "${shared[@]}"; do mkdir -p "$folder" && mount --bind "/.host$folder" "$folder"; done

# Otherwise Debian's kernel starts /sbin/hotplug for every new device.
echo >/proc/sys/kernel/hotplug
# The kernel does not know that the netlink family IPVS is in ip_vs. Most other modules it loads when it needs them.
modprobe ip_vs
ip link set lo up

# The command writes into pipes, which are no terminals; the serial lines carry every octet as it is.
mkfifo /run/stdout /run/stderr
stty -F /dev/ttyS0 raw -echo
stty -F /dev/ttyS1 raw -echo
cat /run/stdout >/dev/ttyS0 & stdout=$!
cat /run/stderr >/dev/ttyS1 & stderr=$!
mapfile -d '' -t command <"$RUN/command"
setsid --wait "${command[@]}" </dev/null >/run/stdout 2>/run/stderr
status=$?

# What the command left behind holds the pipes open. The kernel's own threads take no signals.
for process in /proc/[0-9]*; do
  pid=${process#/proc/}
  case $pid in 1 | "$stdout" | "$stderr") ;; *) kill -KILL "$pid" ;; esac
done 2>/dev/null
wait "$stdout" "$stderr"
# A change of settings waits until all is written.
stty -F /dev/ttyS0 -echo
stty -F /dev/ttyS1 -echo
echo "$status" >"$RUN/status"
sync
echo o >/proc/sysrq-trigger
sleep 60
