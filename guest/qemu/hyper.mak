# The devices of the optional QEMU, which scripts/qemu builds: what src/vm/qemu/arguments.ts asks for, and what is plugged
# in later. What they need comes along by QEMU's Kconfig; nothing else is in it.

# The machines
CONFIG_Q35=y
CONFIG_MICROVM=y

# Disks, NICs and channels; the bridge where they are plugged in; folders of the host's
CONFIG_PCIE_PORT=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_NET=y
CONFIG_VIRTIO_SERIAL=y
CONFIG_VHOST_USER_FS=y
