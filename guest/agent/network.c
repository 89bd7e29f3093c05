#include "network.h"

#include "files.h"
#include "netlink.h"

#include <arpa/inet.h>
#include <dirent.h>
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

#define ADDRESSES_MAX 64

struct address {
    uint32_t network_order;
    uint8_t prefix;
};

struct address_list {
    int interface;
    size_t count;
    struct address addresses[ADDRESSES_MAX];
};

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
    int socket = netlink_open();
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

static bool parse_address(const char *text, struct address *address)
{
    char host[INET_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : 0;
    struct in_addr parsed;
    if (length == 0 || length >= sizeof host || !slash[1] || slash[1 + strspn(slash + 1, "0123456789")])
        return false;
    memcpy(host, text, length);
    host[length] = 0;
    unsigned long prefix = strtoul(slash + 1, NULL, 10);
    if (prefix > 32 || inet_pton(AF_INET, host, &parsed) != 1)
        return false;
    *address = (struct address){.network_order = parsed.s_addr, .prefix = (uint8_t)prefix};
    return true;
}

static int change_address(int socket, uint16_t type, uint16_t flags, int interface, const struct address *address)
{
    struct netlink_request request;
    netlink_begin(&request, type, flags, sizeof request.body.address);
    request.body.address.ifa_family = AF_INET;
    request.body.address.ifa_prefixlen = address->prefix;
    request.body.address.ifa_index = (uint32_t)interface;
    netlink_attribute(&request, IFA_LOCAL, &address->network_order, sizeof address->network_order);
    if (type == RTM_NEWADDR && address->prefix < 31) {
        uint32_t broadcast = address->network_order | htonl(UINT32_MAX >> address->prefix);
        netlink_attribute(&request, IFA_BROADCAST, &broadcast, sizeof broadcast);
    }
    return netlink_ask(socket, &request);
}

static void note_address(void *context, const struct nlmsghdr *entry)
{
    struct address_list *list = context;
    const struct ifaddrmsg *message = NLMSG_DATA(entry);
    if (entry->nlmsg_type != RTM_NEWADDR || (int)message->ifa_index != list->interface || list->count == ADDRESSES_MAX)
        return;
    struct address address = {.prefix = message->ifa_prefixlen};
    if (netlink_find(entry, sizeof *message, IFA_LOCAL, &address.network_order, sizeof address.network_order))
        list->addresses[list->count++] = address;
}

static bool is_listed(const struct address *address, const struct address *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].network_order == address->network_order && list[i].prefix == address->prefix)
            return true;
    return false;
}

static int set_addresses(int socket, int interface, const struct nic *nic)
{
    struct netlink_request request;
    struct address wanted[ADDRESSES_MAX];
    struct address_list present = {.interface = interface};
    if (nic->address_count > ADDRESSES_MAX)
        return E2BIG;
    for (size_t i = 0; i < nic->address_count; i++)
        if (!parse_address(nic->addresses[i], &wanted[i]))
            return EINVAL;
    netlink_begin(&request, RTM_GETADDR, 0, sizeof request.body.address);
    request.body.address.ifa_family = AF_INET;
    int error = netlink_dump(socket, &request, note_address, &present);
    for (size_t i = 0; error == 0 && i < present.count; i++)
        if (!is_listed(&present.addresses[i], wanted, nic->address_count))
            error = change_address(socket, RTM_DELADDR, 0, interface, &present.addresses[i]);
    for (size_t i = 0; error == 0 && i < nic->address_count; i++)
        error = change_address(socket, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, interface, &wanted[i]);
    return error;
}

/* One network's address is not told to another: ARP on an interface is about its own addresses alone. */
static int bind_arp(int interface)
{
    static const char *const values[][2] = {{"arp_ignore", "1"}, {"arp_announce", "2"}};
    char name[IF_NAMESIZE] = "", path[96];
    if (!if_indextoname((unsigned int)interface, name))
        return errno;
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof values / sizeof *values; i++) {
        (void)snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/%s", name, values[i][0]);
        error = file_write_text(path, values[i][1]);
    }
    return error;
}

static int delete_default_route(int socket, int interface)
{
    struct netlink_request request;
    uint32_t out = (uint32_t)interface;
    netlink_begin(&request, RTM_DELROUTE, 0, sizeof request.body.route);
    request.body.route.rtm_family = AF_INET;
    request.body.route.rtm_table = RT_TABLE_MAIN;
    request.body.route.rtm_scope = RT_SCOPE_NOWHERE;
    netlink_attribute(&request, RTA_OIF, &out, sizeof out);
    int error = netlink_ask(socket, &request);
    return error == ESRCH ? 0 : error;
}

static int set_default_route(int socket, int interface, const char *gateway)
{
    if (!gateway || !*gateway)
        return delete_default_route(socket, interface);
    struct netlink_request request;
    struct in_addr address;
    uint32_t out = (uint32_t)interface;
    if (inet_pton(AF_INET, gateway, &address) != 1)
        return EINVAL;
    netlink_begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof request.body.route);
    request.body.route.rtm_family = AF_INET;
    request.body.route.rtm_table = RT_TABLE_MAIN;
    request.body.route.rtm_protocol = RTPROT_BOOT;
    request.body.route.rtm_scope = RT_SCOPE_UNIVERSE;
    request.body.route.rtm_type = RTN_UNICAST;
    netlink_attribute(&request, RTA_GATEWAY, &address, sizeof address);
    netlink_attribute(&request, RTA_OIF, &out, sizeof out);
    return netlink_ask(socket, &request);
}

int network_configure(const struct nic *nic, char *why, size_t why_size)
{
    char mac[32];
    int interface = find_interface(nic->mac, nic->name, mac);
    const char *step = "find an interface";
    int socket = netlink_open();
    int error = socket < 0 ? errno : interface ? 0 : ENODEV;
    if (error == 0) {
        step = "set MAC, MTU or name";
        error = set_link(socket, interface, nic, mac);
    }
    if (error == 0) {
        step = "set addresses";
        error = set_addresses(socket, interface, nic);
    }
    if (error == 0) {
        step = "bring the interface up";
        error = set_flags(socket, interface, true);
    }
    if (error == 0) {
        step = "bind ARP to the interface";
        error = bind_arp(interface);
    }
    if (error == 0) {
        step = "set the default route";
        error = set_default_route(socket, interface, nic->gateway);
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
    int socket = netlink_open();
    int error = socket < 0 ? errno : set_addresses(socket, interface, &nothing);
    if (error == 0)
        error = set_flags(socket, interface, false);
    if (socket >= 0)
        (void)close(socket);
    if (error)
        (void)snprintf(why, why_size, "network: cannot take %s down: %s", mac, strerror(error));
    return error;
}
