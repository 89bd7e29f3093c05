#include "addresses.h"

#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

static int change_address(int socket, uint16_t type, uint16_t flags, int interface, const struct ip_address *address)
{
    struct netlink_request request;
    netlink_begin(&request, type, flags, sizeof request.body.address);
    request.body.address.ifa_family = address->family;
    request.body.address.ifa_prefixlen = address->prefix;
    request.body.address.ifa_index = (uint32_t)interface;
    if (address->family == AF_INET6)
        request.body.address.ifa_flags = IFA_F_NODAD; /* the host gives it to no other, and lets no other use it */
    netlink_attribute(&request, IFA_LOCAL, address->bytes, ip_address_size(address));
    if (type == RTM_NEWADDR && address->family == AF_INET && address->prefix < 31) {
        uint32_t broadcast;
        memcpy(&broadcast, address->bytes, sizeof broadcast);
        broadcast |= htonl(UINT32_MAX >> address->prefix);
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
    bool ipv6 = message->ifa_family == AF_INET6;
    if (ipv6 && message->ifa_scope == RT_SCOPE_LINK)
        return; /* the kernel's own */
    struct ip_address address = {.family = message->ifa_family, .prefix = message->ifa_prefixlen};
    if (netlink_find(entry, sizeof *message, ipv6 ? IFA_ADDRESS : IFA_LOCAL, address.bytes, ip_address_size(&address)))
        list->addresses[list->count++] = address;
}

static bool is_listed(const struct ip_address *address, const struct address_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (ip_address_same(&list->addresses[i], address))
            return true;
    return false;
}

static int ask(int socket, struct address_list *present, bool ipv6)
{
    struct netlink_request request;
    netlink_begin(&request, RTM_GETADDR, 0, sizeof request.body.address);
    request.body.address.ifa_family = ipv6 ? AF_UNSPEC : AF_INET;
    present->count = 0;
    return netlink_dump(socket, &request, note_address, present);
}

int addresses_set(int socket, struct address_list *present, const struct nic *nic, bool ipv6)
{
    struct address_list wanted = {.known = true, .interface = present->interface, .count = nic->address_count};
    if (nic->address_count > ADDRESSES_MAX)
        return E2BIG;
    for (size_t i = 0; i < wanted.count; i++)
        if (!ip_address_parse_prefixed(nic->addresses[i], &wanted.addresses[i]))
            return EINVAL;
    int error = present->known ? 0 : ask(socket, present, ipv6);
    present->known = false;
    for (size_t i = 0; error == 0 && i < present->count; i++)
        if (!is_listed(&present->addresses[i], &wanted))
            error = change_address(socket, RTM_DELADDR, 0, present->interface, &present->addresses[i]);
    for (size_t i = 0; error == 0 && i < wanted.count; i++)
        error = change_address(socket, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, present->interface, &wanted.addresses[i]);
    if (error == 0 && !ipv6) /* an interface that goes down loses those of IPv6 */
        *present = wanted;
    return error;
}

static int delete_default_route(int socket, int interface, uint8_t family)
{
    struct netlink_request request;
    uint32_t out = (uint32_t)interface;
    netlink_begin(&request, RTM_DELROUTE, 0, sizeof request.body.route);
    request.body.route.rtm_family = family;
    request.body.route.rtm_table = RT_TABLE_MAIN;
    request.body.route.rtm_scope = RT_SCOPE_NOWHERE;
    netlink_attribute(&request, RTA_OIF, &out, sizeof out);
    int error = netlink_ask(socket, &request);
    bool without_ipv6 = family == AF_INET6 && (error == EOPNOTSUPP || error == EAFNOSUPPORT);
    return error == ESRCH || without_ipv6 ? 0 : error;
}

static int set_default_route(int socket, int interface, const struct ip_address *gateway)
{
    struct netlink_request request;
    uint32_t out = (uint32_t)interface;
    netlink_begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof request.body.route);
    request.body.route.rtm_family = gateway->family;
    request.body.route.rtm_table = RT_TABLE_MAIN;
    request.body.route.rtm_protocol = RTPROT_BOOT;
    request.body.route.rtm_scope = RT_SCOPE_UNIVERSE;
    request.body.route.rtm_type = RTN_UNICAST;
    netlink_attribute(&request, RTA_GATEWAY, gateway->bytes, ip_address_size(gateway));
    netlink_attribute(&request, RTA_OIF, &out, sizeof out);
    return netlink_ask(socket, &request);
}

int addresses_set_default_routes(int socket, int interface, const struct nic *nic, bool ipv6)
{
    static const uint8_t families[] = {AF_INET, AF_INET6};
    struct ip_address gateways[ADDRESSES_MAX];
    int error = 0;
    if (nic->gateway_count > ADDRESSES_MAX)
        return E2BIG;
    for (size_t i = 0; i < nic->gateway_count; i++)
        if (!ip_address_parse(nic->gateways[i], &gateways[i]))
            return EINVAL;
    for (size_t f = 0; error == 0 && f < (ipv6 ? sizeof families : 1); f++) {
        const struct ip_address *gateway = NULL;
        for (size_t i = 0; i < nic->gateway_count; i++)
            if (gateways[i].family == families[f])
                gateway = &gateways[i];
        error = gateway ? set_default_route(socket, interface, gateway) : delete_default_route(socket, interface, families[f]);
    }
    return error;
}
