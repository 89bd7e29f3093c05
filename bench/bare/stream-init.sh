#!/bin/busybox sh
# A guest that answers each line on its port with the script's output: a bare virtserialport.
mount -t devtmpfs dev /dev
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_console; do
  [ ! -e /$module.ko ] || insmod /$module.ko
done
until [ -e /dev/vport0p2 ]; do usleep 1000; done
. /make-pattern
printf '\006'
# One descriptor for both ways: a port opens once at a time.
exec 3<>/dev/vport0p2
# A read of 0 says only that the driver has not heard of the host yet.
while :; do
  if read -r _ <&3; then . /send-pattern >&3; else usleep 10000; fi
done
