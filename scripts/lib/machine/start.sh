# Runs the machine's command with the host's programs and the machine's kernel, says how it ended, and switches off.
. /machine/settings
export PATH="$machine_path" HOME=/root LANG=C.UTF-8
mount -t tmpfs tmpfs /run
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount --bind "$machine_modules" /lib/modules
# The kernel asks for its modules by itself, as it does on a host; nobody asks for tun.
echo /machine/modprobe >/proc/sys/kernel/modprobe
/machine/modprobe tun
chmod 0666 /dev/net/tun
ip link set lo up
hostname machine
ulimit -n 65536

port() { # NAME: waits for a port of the host's
  for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    for folder in /sys/class/virtio-ports/*; do
      [ "$(cat "$folder/name" 2>/dev/null)" = "$1" ] && echo "/dev/${folder##*/}" && return
    done
    sleep 0.1
  done
  echo /dev/console
}
output=$(port output)
report=$(port report)

cd "$machine_folder" || exit
# A port has one user, so all that the command starts writes to cat.
{ (eval "$machine_command") </dev/null 2>&1; echo $? >/machine/status; } | cat >"$output"
{ cat /machine/status; cat "$TUNVS_RESULTS"; } >"$report" 2>/dev/null
/machine/poweroff -f
