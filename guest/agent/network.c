#include "network.h"

#include "addresses.h"
#include "files.h"
#include "interfaces.h"
#include "netlink.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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

/* Kept, as what was set last is: in a clone's first SETUP each costs a millisecond or more. */
static int route = -1;
static struct address_list addresses;
static struct interface only_link; /* number 0: not known */

static int route_socket(void)
{
    if (route < 0)
        route = netlink_open(NETLINK_ROUTE);
    return route;
}

/* After a failure an answer may lie in it that nobody has read. */
static int checked(int error)
{
    if (error && route >= 0) {
        (void)close(route);
        route = -1;
    }
    return error;
}

static struct address_list *addresses_of(int interface)
{
    if (addresses.interface != interface)
        addresses = (struct address_list){.interface = interface};
    return &addresses;
}

int network_loopback(void)
{
    static bool up;
    if (up)
        return 0;
    int socket = route_socket();
    if (socket < 0)
        return errno;
    unsigned int loopback = if_nametoindex("lo");
    int error = checked(loopback ? set_flags(socket, (int)loopback, true) : errno);
    up = error == 0;
    return error;
}

/* Of an interface with this MAC; whatever fails, there is none. */
static bool find_by_mac(int socket, const char *text, struct interface *found)
{
    uint8_t mac[MAC_SIZE];
    return mac_parse(text, mac) && interface_find(socket, mac, NULL, found) && memcmp(mac, found->mac, MAC_SIZE) == 0;
}

bool network_has(const char *mac)
{
    struct interface found;
    int socket = route_socket();
    return socket >= 0 && find_by_mac(socket, mac, &found);
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

/* What is as it is to be is left alone. */
static int set_link(int socket, struct interface *link, const struct nic *nic, const uint8_t *mac)
{
    struct netlink_request request;
    netlink_begin(&request, RTM_NEWLINK, 0, sizeof request.body.link);
    request.body.link.ifi_index = link->number;
    uint32_t nothing = request.header.nlmsg_len;
    if (mac && memcmp(mac, link->mac, MAC_SIZE) != 0)
        netlink_attribute(&request, IFLA_ADDRESS, mac, MAC_SIZE);
    uint32_t mtu = (uint32_t)nic->mtu;
    if (mtu && mtu != link->mtu)
        netlink_attribute(&request, IFLA_MTU, &mtu, sizeof mtu);
    if (nic->name && *nic->name && strcmp(link->name, nic->name) != 0) {
        if (strlen(nic->name) >= IF_NAMESIZE)
            return EINVAL;
        int error = free_name(socket, nic->name, link->number);
        if (error == 0)
            error = set_flags(socket, link->number, false); /* only then it may be renamed */
        if (error)
            return error;
        link->up = false;
        netlink_attribute(&request, IFLA_IFNAME, nic->name, strlen(nic->name) + 1);
        (void)snprintf(link->name, sizeof link->name, "%s", nic->name);
    }
    return request.header.nlmsg_len == nothing ? 0 : netlink_ask(socket, &request);
}

/* A setting of the kernel for one interface: `ipv4`, `arp_ignore`. */
static int set_setting(const struct interface *link, const char *family, const char *setting, const char *value)
{
    char path[96];
    (void)snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", family, link->name, setting);
    return file_write_text(path, value);
}

/*
 * What is so already, of the first interfaces: their numbers are not given twice. In a clone's first SETUP each setting that
 * is written costs a millisecond.
 */
static struct settings {
    bool arp_bound, without_ipv6;
} settings[64];

void network_forget(void)
{
    memset(settings, 0, sizeof settings);
    addresses.known = false;
    only_link.number = 0;
}

void network_part(void)
{
    network_forget();
    (void)checked(EAGAIN);
}

static struct settings *settings_of(int interface)
{
    static struct settings unknown;
    unknown = (struct settings){0};
    return (size_t)interface < sizeof settings / sizeof *settings ? &settings[interface] : &unknown;
}

/* One network's address is not told to another: ARP on an interface is about its own addresses alone. */
static int bind_arp(const struct interface *link)
{
    struct settings *known = settings_of(link->number);
    if (known->arp_bound)
        return 0;
    int error = set_setting(link, "ipv4", "arp_ignore", "1");
    if (error == 0)
        error = set_setting(link, "ipv4", "arp_announce", "2");
    known->arp_bound = error == 0;
    return error;
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
static int set_ipv6(const struct interface *link, const struct nic *nic)
{
    static const char *const off[] = {"accept_ra", "autoconf", "accept_dad"};
    struct settings *known = settings_of(link->number);
    bool wanted = wants_ipv6(nic);
    int error = 0;
    if (!wanted && known->without_ipv6)
        return 0;
    known->without_ipv6 = false;
    if (access("/proc/sys/net/ipv6", F_OK) != 0)
        return wanted ? EAFNOSUPPORT : 0;
    for (size_t i = 0; wanted && error == 0 && i < sizeof off / sizeof *off; i++)
        error = set_setting(link, "ipv6", off[i], "0");
    if (error == 0)
        error = set_setting(link, "ipv6", "disable_ipv6", wanted ? "0" : "1");
    known->without_ipv6 = !wanted && error == 0;
    return error;
}

int network_configure(const struct nic *nic, bool only, char *why, size_t why_size)
{
    struct interface link = only ? only_link : (struct interface){0};
    uint8_t mac[MAC_SIZE];
    const char *step = "find an interface";
    int socket = route_socket();
    int error = socket < 0 ? errno : nic->mac && !mac_parse(nic->mac, mac) ? EINVAL : 0;
    if (error == 0 && link.number == 0 && !interface_find(socket, nic->mac ? mac : NULL, nic->name, &link))
        error = ENODEV;
    only_link.number = 0;
    if (error == 0) {
        step = "set MAC, MTU or name";
        error = set_link(socket, &link, nic, nic->mac ? mac : NULL);
    }
    if (error == 0) {
        step = "turn IPv6 on or off";
        error = set_ipv6(&link, nic);
    }
    if (error == 0 && !link.up) {
        step = "bring the interface up";
        error = set_flags(socket, link.number, true);
    }
    bool ipv6 = !settings_of(link.number)->without_ipv6;
    if (error == 0) {
        step = "set addresses"; /* of IPv6, an interface that is down takes no route with them */
        error = addresses_set(socket, addresses_of(link.number), nic, ipv6);
    }
    if (error == 0) {
        step = "bind ARP to the interface";
        error = bind_arp(&link);
    }
    if (error == 0) {
        step = "set the default routes";
        error = addresses_set_default_routes(socket, link.number, nic, ipv6);
    }
    if (error == 0 && only && nic->mac) {
        only_link = link;
        only_link.up = true;
        only_link.mtu = nic->mtu ? (uint32_t)nic->mtu : link.mtu;
        memcpy(only_link.mac, mac, MAC_SIZE);
    }
    if (checked(error))
        (void)snprintf(why, why_size, "network: cannot %s for %s: %s", step, nic->mac ? nic->mac : "the first interface", strerror(error));
    return error;
}

int network_take_down(const char *mac, char *why, size_t why_size)
{
    static const struct nic nothing = {0};
    struct interface link;
    network_forget();
    int socket = route_socket();
    int error = socket < 0 ? errno : 0;
    if (error == 0 && find_by_mac(socket, mac, &link)) {
        error = addresses_set(socket, addresses_of(link.number), &nothing, true);
        if (error == 0)
            error = set_flags(socket, link.number, false);
    }
    if (checked(error))
        (void)snprintf(why, why_size, "network: cannot take %s down: %s", mac, strerror(error));
    return error;
}
