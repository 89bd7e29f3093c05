#include "interfaces.h"

#include "netlink.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct search {
    const uint8_t *mac;
    const char *name;
    /* How well what was found fits. */
    enum { NONE, WITHOUT_ADDRESS, SAME_NAME, SAME_MAC } fit;
    struct interface found;
};

bool mac_parse(const char *text, uint8_t mac[MAC_SIZE])
{
    unsigned int part[MAC_SIZE];
    char rest;
    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &part[0], &part[1], &part[2], &part[3], &part[4], &part[5], &rest) != MAC_SIZE)
        return false;
    for (int i = 0; i < MAC_SIZE; i++)
        mac[i] = (uint8_t)part[i];
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

/* False for what is no Ethernet. */
static bool read_link(const struct nlmsghdr *entry, struct interface *link)
{
    const struct ifinfomsg *message = NLMSG_DATA(entry);
    size_t start = NLMSG_LENGTH(sizeof *message), length;
    if (entry->nlmsg_type != RTM_NEWLINK || entry->nlmsg_len < start)
        return false;
    const uint8_t *name = netlink_value((const uint8_t *)entry + start, entry->nlmsg_len - start, IFLA_IFNAME, &length);
    if (!name || length == 0 || length > sizeof link->name || name[length - 1] != 0)
        return false;
    memcpy(link->name, name, length);
    link->number = message->ifi_index;
    link->up = message->ifi_flags & IFF_UP;
    return !(message->ifi_flags & IFF_LOOPBACK) && netlink_find(entry, sizeof *message, IFLA_ADDRESS, link->mac, MAC_SIZE) &&
           netlink_find(entry, sizeof *message, IFLA_MTU, &link->mtu, sizeof link->mtu);
}

static void note_link(void *context, const struct nlmsghdr *entry)
{
    struct search *search = context;
    struct interface link = {0};
    if (!read_link(entry, &link))
        return;
    if (search->mac && memcmp(search->mac, link.mac, MAC_SIZE) == 0)
        search->fit = SAME_MAC;
    else if (search->fit < SAME_NAME && search->name && strcmp(search->name, link.name) == 0)
        search->fit = SAME_NAME;
    else if (search->fit == NONE && !has_address(link.name))
        search->fit = WITHOUT_ADDRESS;
    else
        return;
    search->found = link;
}

bool interface_find(int socket, const uint8_t *mac, const char *name, struct interface *found)
{
    struct search search = {.mac = mac, .name = name};
    struct netlink_request request;
    uint32_t brief = RTEXT_FILTER_SKIP_STATS;
    netlink_begin(&request, RTM_GETLINK, 0, sizeof request.body.link);
    netlink_attribute(&request, IFLA_EXT_MASK, &brief, sizeof brief);
    if (netlink_dump(socket, &request, note_link, &search) != 0 || search.fit == NONE)
        return false;
    *found = search.found;
    return true;
}
