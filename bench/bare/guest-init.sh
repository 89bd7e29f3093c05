#!/bin/busybox sh
# A guest that runs each line that comes through its port, and answers with its output, 0x04, its exit code and a newline.
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do insmod "/$module.ko"; done </modules
# The kernel makes the file first, and the port a moment later: until then it cannot be opened.
until (: 3<>/dev/vport0p2) 2>/dev/null; do usleep 1000; done
printf '\006'
# One descriptor for both ways: a port opens once at a time.
exec 3<>/dev/vport0p2
# A read of 0 says only that the driver has not heard of the host yet.
while :; do
  if read -r line <&3; then
    (eval "$line") </dev/null >&3 2>&1
    printf '\004%s\n' "$?" >&3
  else
    usleep 10000
  fi
done
