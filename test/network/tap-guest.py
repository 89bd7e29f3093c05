"""A guest without a VM: opens a tap as QEMU's user does and joins it to a network namespace of its own.

Arguments: TAP OWNER_UID MAC ADDRESS/PREFIX GATEWAY MTU [IPV6_ADDRESS/PREFIX IPV6_GATEWAY]. Prints `ready`; lives until
its stdin closes.
"""

import ctypes
import fcntl
import os
import select
import struct
import subprocess
import sys

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x2, 0x1000, 0x4000
CLONE_NEWNET = 0x40000000


def attach(fd, name):
    flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))


tap, owner, mac, address, gateway, mtu, *ipv6 = sys.argv[1:]
host_end = os.open("/dev/net/tun", os.O_RDWR)
os.seteuid(int(owner))
attach(host_end, tap)
os.seteuid(0)
if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
    raise OSError(ctypes.get_errno(), "unshare")
guest_end = os.open("/dev/net/tun", os.O_RDWR)
attach(guest_end, "eth0")
if ipv6:
    with open("/proc/sys/net/ipv6/conf/eth0/accept_dad", "w") as setting:
        setting.write("0")
batch = f"""link set lo up
link set dev eth0 address {mac} mtu {mtu} addrgenmode {"eui64" if ipv6 else "none"} up
address add {address} dev eth0
route add default via {gateway}
"""
if ipv6:
    batch += f"address add {ipv6[0]} dev eth0 nodad\nroute add default via {ipv6[1]}\n"
subprocess.run(["ip", "-batch", "-"], input=batch.encode(), check=True)
print("ready", flush=True)
while True:
    readable, _, _ = select.select([host_end, guest_end, 0], [], [])
    if 0 in readable and not os.read(0, 1):
        break
    for source, target in ((host_end, guest_end), (guest_end, host_end)):
        if source in readable:
            try:
                os.write(target, os.read(source, 70000))
            except OSError:
                pass  # the other end is down: the frame is lost, as on a wire
