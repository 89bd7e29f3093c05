#include "network.h"

#include "addresses.h"
#include "files.h"
#include "netlink.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int set_flags(int socket, int interface, bool up)
{
    struct netlink_request request;
    netlink_begin(&request, RTM_NEWLINK, 0, sizeof request.body.link);
    request.body.link.ifi_index = interface;
    request.body.link.ifi_flags = up ? IFF_UP : 0;
    request.body.link.ifi_change = IFF_UP;
    return netlink_ask(socket, &request);
}

int network_loopback(void)
{
    int socket = netlink_open(NETLINK_ROUTE);
    if (socket < 0)
        return errno;
    unsigned int loopback = if_nametoindex("lo");
    int error = loopback ? set_flags(socket, (int)loopback, true) : errno;
    (void)close(socket);
    return error;
}

static bool read_mac(const char *name, char mac[32])
{
    char path[64];
    (void)snprintf(path, sizeof path, "/sys/class/net/%.16s/address", name);
    char *text = file_text(path, 256);
    if (!text)
        return false;
    (void)snprintf(mac, 32, "%.*s", (int)strcspn(text, "\n"), text);
    free(text);
    return true;
}

static bool has_address(const char *name)
{
    struct ifreq request = {0};
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && ioctl(fd, SIOCGIFADDR, &request) == 0;
    if (fd >= 0)
        (void)close(fd);
    return has;
}

/* The interface with this MAC, else the one of this name, else the first (by number) without an address. */
static int find_interface(const char *mac, const char *name, char current_mac[32])
{
    struct if_nameindex *interfaces = if_nameindex();
    int found = 0;
    bool named = false;
    for (struct if_nameindex *at = interfaces; at && at->if_index; at++) {
        char address[32];
        if (strcmp(at->if_name, "lo") == 0 || !read_mac(at->if_name, address))
            continue;
        bool same = mac && strcasecmp(mac, address) == 0;
        bool called = !named && name && strcmp(name, at->if_name) == 0;
        if (!same && !called && (named || found || has_address(at->if_name)))
            continue;
        named = named || called;
        found = (int)at->if_index;
        memcpy(current_mac, address, sizeof address);
        if (same)
            break;
    }
    if (interfaces)
        if_freenameindex(interfaces);
    return found;
}

bool network_has(const char *mac)
{
    char current[32];
    int interface = find_interface(mac, NULL, current);
    return interface && strcasecmp(mac, current) == 0;
}

static bool parse_mac(const char *text, uint8_t mac[6])
{
    unsigned int part[6];
    char rest;
    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &part[0], &part[1], &part[2], &part[3], &part[4], &part[5], &rest) != 6)
        return false;
    for (int i = 0; i < 6; i++)
        mac[i] = (uint8_t)part[i];
    return true;
}

/* Kernels name interfaces as they come: one that waits to be configured may have the name that another is to have. */
static int free_name(int socket, const char *name, int interface)
{
    struct netlink_request request;
    char other[IF_NAMESIZE];
    int holder = (int)if_nametoindex(name);
    if (!holder || holder == interface)
        return 0;
    int error = set_flags(socket, holder, false);
    if (error)
        return error;
    (void)snprintf(other, sizeof other, "nic%d", holder);
    netlink_begin(&request, RTM_NEWLINK, 0, sizeof request.body.link);
    request.body.link.ifi_index = holder;
    netlink_attribute(&request, IFLA_IFNAME, other, strlen(other) + 1);
    return netlink_ask(socket, &request);
}

static int set_link(int socket, int interface, const struct nic *nic, const char *current_mac)
{
    struct netlink_request request;
    uint8_t mac[6];
    char name[IF_NAMESIZE] = "";
    netlink_begin(&request, RTM_NEWLINK, 0, sizeof request.body.link);
    request.body.link.ifi_index = interface;
    if (nic->mac && strcasecmp(nic->mac, current_mac) != 0) {
        if (!parse_mac(nic->mac, mac))
            return EINVAL;
        netlink_attribute(&request, IFLA_ADDRESS, mac, sizeof mac);
    }
    if (nic->mtu) {
        uint32_t mtu = (uint32_t)nic->mtu;
        netlink_attribute(&request, IFLA_MTU, &mtu, sizeof mtu);
    }
    if (nic->name && *nic->name && if_indextoname((unsigned int)interface, name) && strcmp(name, nic->name) != 0) {
        if (strlen(nic->name) >= IF_NAMESIZE)
            return EINVAL;
        int error = free_name(socket, nic->name, interface);
        if (error == 0)
            error = set_flags(socket, interface, false); /* only then it may be renamed */
        if (error)
            return error;
        netlink_attribute(&request, IFLA_IFNAME, nic->name, strlen(nic->name) + 1);
    }
    return netlink_ask(socket, &request);
}

/* A setting of the kernel for one interface: `ipv4`, `arp_ignore`. */
static int set_setting(int interface, const char *family, const char *setting, const char *value)
{
    char name[IF_NAMESIZE] = "", path[96];
    if (!if_indextoname((unsigned int)interface, name))
        return errno;
    (void)snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", family, name, setting);
    return file_write_text(path, value);
}

/* One network's address is not told to another: ARP on an interface is about its own addresses alone. */
static int bind_arp(int interface)
{
    int error = set_setting(interface, "ipv4", "arp_ignore", "1");
    return error ? error : set_setting(interface, "ipv4", "arp_announce", "2");
}

static bool wants_ipv6(const struct nic *nic)
{
    for (size_t i = 0; i < nic->address_count; i++)
        if (strchr(nic->addresses[i], ':'))
            return true;
    return false;
}

/*
 * IPv6 is on only where the host has given an address: then the interface has that and the link-local one that the kernel
 * makes of its MAC, both at once (the host's bridge keeps others from them: nobody is asked), and nothing that routers
 * advertise.
 */
static int set_ipv6(int interface, const struct nic *nic)
{
    static const char *const off[] = {"accept_ra", "autoconf", "accept_dad"};
    bool wanted = wants_ipv6(nic);
    int error = 0;
    if (access("/proc/sys/net/ipv6", F_OK) != 0)
        return wanted ? EAFNOSUPPORT : 0;
    for (size_t i = 0; wanted && error == 0 && i < sizeof off / sizeof *off; i++)
        error = set_setting(interface, "ipv6", off[i], "0");
    return error ? error : set_setting(interface, "ipv6", "disable_ipv6", wanted ? "0" : "1");
}

int network_configure(const struct nic *nic, char *why, size_t why_size)
{
    char mac[32];
    int interface = find_interface(nic->mac, nic->name, mac);
    const char *step = "find an interface";
    int socket = netlink_open(NETLINK_ROUTE);
    int error = socket < 0 ? errno : interface ? 0 : ENODEV;
    if (error == 0) {
        step = "set MAC, MTU or name";
        error = set_link(socket, interface, nic, mac);
    }
    if (error == 0) {
        step = "turn IPv6 on or off";
        error = set_ipv6(interface, nic);
    }
    if (error == 0) {
        step = "bring the interface up";
        error = set_flags(socket, interface, true);
    }
    if (error == 0) {
        step = "set addresses"; /* of IPv6, an interface that is down takes no route with them */
        error = addresses_set(socket, interface, nic);
    }
    if (error == 0) {
        step = "bind ARP to the interface";
        error = bind_arp(interface);
    }
    if (error == 0) {
        step = "set the default routes";
        error = addresses_set_default_routes(socket, interface, nic);
    }
    if (socket >= 0)
        (void)close(socket);
    if (error)
        (void)snprintf(why, why_size, "network: cannot %s for %s: %s", step, nic->mac ? nic->mac : "the first interface", strerror(error));
    return error;
}

int network_take_down(const char *mac, char *why, size_t why_size)
{
    static const struct nic nothing = {0};
    char current[32];
    int interface = find_interface(mac, NULL, current);
    if (!interface || strcasecmp(mac, current) != 0)
        return 0;
    int socket = netlink_open(NETLINK_ROUTE);
    int error = socket < 0 ? errno : addresses_set(socket, interface, &nothing);
    if (error == 0)
        error = set_flags(socket, interface, false);
    if (socket >= 0)
        (void)close(socket);
    if (error)
        (void)snprintf(why, why_size, "network: cannot take %s down: %s", mac, strerror(error));
    return error;
}
