#!/bin/busybox sh
# The first program of a virtual machine: mounts the host's files, read-only and with memory over them, and goes on with
# start.sh there.
/bin/busybox --install -s /bin
export PATH=/bin
. /settings
stop() {
  echo "init: $1"
  poweroff -f
}
mkdir -p /proc /sys /dev /host /over /new
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
[ "$1" = probe ] && stop 'the kernel runs'
for module in /modules/*; do insmod "$module" || stop "no module $module"; done
mount -t virtiofs -o ro host /host || stop 'no files of the host'
mount -t tmpfs -o size=75% over /over
mkdir /over/upper /over/work
mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work overlay /new || stop 'no overlay'
mkdir -p /new/proc /new/sys /new/dev /new/run /new/lib/modules /new/machine
cp /bin/busybox /settings /start.sh /new/machine
for name in modprobe poweroff; do ln -s busybox /new/machine/$name; done
for place in proc sys dev; do mount --move /$place /new/$place; done
exec switch_root /new /bin/sh /machine/start.sh
