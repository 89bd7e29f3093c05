"""Frames of IPv6 as no honest machine sends them, and who hears them.

`send IFACE MAC OWN OTHER` sends a round of them again and again, as the machine of address OWN that would be OTHER, until
it is ended. `hear IFACE` prints what it has heard between two rounds, one thing a line.
"""

import socket
import struct
import sys
import time

ALL_NODES = "ff02::1"
MARK, DATA, DHCP_CLIENT = 9999, 9, 546


def checksum(source, target, protocol, payload):
    data = source + target + struct.pack("!IxxxB", len(payload), protocol) + payload + b"\0" * (len(payload) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF


def packet(mac, source, protocol, payload, at):
    source, target = socket.inet_pton(socket.AF_INET6, source), socket.inet_pton(socket.AF_INET6, ALL_NODES)
    total = struct.pack("!H", checksum(source, target, protocol, payload))
    payload = payload[:at] + total + payload[at + 2 :]
    ethernet = bytes.fromhex("333300000001") + mac + b"\x86\xdd"
    return ethernet + struct.pack("!IHBB", 6 << 28, len(payload), protocol, 255) + source + target + payload


def icmp(mac, source, kind, body):
    return packet(mac, source, 58, struct.pack("!BBH", kind, 0, 0) + body, 2)


def udp(mac, source, port):
    return packet(mac, source, 17, struct.pack("!HHHH", port + 1, port, 8, 0), 6)


def advert(mac, source, target):
    return icmp(mac, source, 136, struct.pack("!I", 0x20000000) + socket.inet_pton(socket.AF_INET6, target) + b"\2\1" + mac)


def link_local(mac):
    return "fe80::" + bytes([mac[0] ^ 2, mac[1], mac[2], 0xFF, 0xFE, *mac[3:]]).hex(":", 2)


def send(interface, mac, own, other):
    mac = bytes.fromhex(mac.replace(":", ""))
    stranger = bytes([2, 0x99]) + mac[2:]
    router = struct.pack("!BBHII", 64, 0, 1800, 0, 0)
    frames = [
        udp(mac, own, MARK),
        udp(mac, own, DATA),
        udp(mac, link_local(mac), DATA),
        advert(mac, own, own),
        udp(mac, other, DATA),
        udp(mac, "::", DATA),
        udp(stranger, own, DATA),
        advert(mac, own, other),
        advert(mac, other, other),
        advert(mac, link_local(mac), "fe80::1"),
        icmp(mac, link_local(mac), 134, router),
        icmp(mac, own, 137, b"\0" * 36),
        udp(mac, own, DHCP_CLIENT),
    ]
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind((interface, 0))
    while True:
        for frame in frames:
            wire.send(frame)
        time.sleep(0.05)


def name(frame):
    mac, packet = frame[6:12].hex(":"), frame[14:]
    source = f"{socket.inet_ntop(socket.AF_INET6, packet[8:24])} {mac}"
    payload = packet[40:]
    if packet[6] == 58 and payload[0] == 136:
        return f"advert {socket.inet_ntop(socket.AF_INET6, payload[8:24])} of {source}"
    if packet[6] == 58 and payload[0] in (134, 137):
        return f"router {source}"
    if packet[6] == 17 and payload[2:4] in (struct.pack("!H", DATA), struct.pack("!H", DHCP_CLIENT)):
        return f"port {payload[2] * 256 + payload[3]} of {source}"
    return None


def hear(interface):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
    wire.bind((interface, 0))
    wire.settimeout(10)
    heard, marks = set(), 0
    while marks < 2:
        frame, (_, _, kind, *_) = wire.recvfrom(2000)
        if kind == socket.PACKET_OUTGOING:
            continue
        packet = frame[14:]
        if packet[6] == 17 and packet[42:44] == struct.pack("!H", MARK):
            marks += 1
        elif marks == 1:
            heard.add(name(frame))
    print("\n".join(sorted(heard - {None})))


{"send": send, "hear": hear}[sys.argv[1]](*sys.argv[2:])
