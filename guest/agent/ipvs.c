#include "ipvs.h"

#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ip_vs.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of TCP connections, in seconds: those that wait longer would be forgotten. As netfilter's: five days. */
#define TCP_IDLE 432000
#define GENERIC sizeof(struct genlmsghdr)
/* An address has this much room, of whichever family it is. */
#define ADDRESS_SIZE 16

static void begin(const struct ipvs *ipvs, struct netlink_request *request, uint8_t command)
{
    netlink_begin(request, ipvs->family, 0, GENERIC);
    request->body.generic.cmd = command;
    request->body.generic.version = IPVS_GENL_VERSION;
}

static void note_family(void *context, const struct nlmsghdr *entry)
{
    uint16_t *family = context;
    (void)netlink_find(entry, GENERIC, CTRL_ATTR_FAMILY_ID, family, sizeof *family);
}

static int find_family(struct ipvs *ipvs)
{
    struct netlink_request request;
    netlink_begin(&request, GENL_ID_CTRL, 0, GENERIC);
    request.body.generic.cmd = CTRL_CMD_GETFAMILY;
    request.body.generic.version = 1;
    netlink_attribute(&request, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME, sizeof IPVS_GENL_NAME);
    int error = netlink_get(ipvs->socket, &request, note_family, &ipvs->family);
    return error || ipvs->family ? error : ENODEV;
}

int ipvs_open(struct ipvs *ipvs)
{
    struct netlink_request request;
    uint32_t idle = TCP_IDLE;
    *ipvs = (struct ipvs){.socket = netlink_open(NETLINK_GENERIC)};
    if (ipvs->socket < 0)
        return errno;
    int error = find_family(ipvs);
    if (error)
        return error;
    begin(ipvs, &request, IPVS_CMD_SET_CONFIG);
    netlink_attribute(&request, IPVS_CMD_ATTR_TIMEOUT_TCP, &idle, sizeof idle);
    return netlink_ask(ipvs->socket, &request);
}

void ipvs_close(struct ipvs *ipvs)
{
    if (ipvs->socket >= 0)
        (void)close(ipvs->socket);
}

/* Which one is meant; what `whole` adds makes one. */
static void put_service(struct netlink_request *request, const struct ipvs_service *service, bool whole)
{
    size_t nest = netlink_nest(request, IPVS_CMD_ATTR_SERVICE);
    uint16_t family = service->address.family, port = htons(service->port);
    netlink_attribute(request, IPVS_SVC_ATTR_AF, &family, sizeof family);
    netlink_attribute(request, IPVS_SVC_ATTR_PROTOCOL, &service->protocol, sizeof service->protocol);
    netlink_attribute(request, IPVS_SVC_ATTR_ADDR, service->address.bytes, ADDRESS_SIZE);
    netlink_attribute(request, IPVS_SVC_ATTR_PORT, &port, sizeof port);
    if (whole) {
        struct ip_vs_flags flags = {.mask = ~0U};
        uint32_t timeout = 0, netmask = family == AF_INET ? UINT32_MAX : 128;
        netlink_attribute(request, IPVS_SVC_ATTR_SCHED_NAME, "rr", sizeof "rr");
        netlink_attribute(request, IPVS_SVC_ATTR_FLAGS, &flags, sizeof flags);
        netlink_attribute(request, IPVS_SVC_ATTR_TIMEOUT, &timeout, sizeof timeout);
        netlink_attribute(request, IPVS_SVC_ATTR_NETMASK, &netmask, sizeof netmask);
    }
    netlink_nest_end(request, nest);
}

static void put_host(struct netlink_request *request, const struct ipvs_host *host, const uint32_t *weight)
{
    size_t nest = netlink_nest(request, IPVS_CMD_ATTR_DEST);
    uint16_t family = host->address.family, port = htons(host->port);
    netlink_attribute(request, IPVS_DEST_ATTR_ADDR, host->address.bytes, ADDRESS_SIZE);
    netlink_attribute(request, IPVS_DEST_ATTR_PORT, &port, sizeof port);
    netlink_attribute(request, IPVS_DEST_ATTR_ADDR_FAMILY, &family, sizeof family);
    if (weight) {
        uint32_t method = IP_VS_CONN_F_MASQ, none = 0;
        netlink_attribute(request, IPVS_DEST_ATTR_FWD_METHOD, &method, sizeof method);
        netlink_attribute(request, IPVS_DEST_ATTR_WEIGHT, weight, sizeof *weight);
        netlink_attribute(request, IPVS_DEST_ATTR_U_THRESH, &none, sizeof none);
        netlink_attribute(request, IPVS_DEST_ATTR_L_THRESH, &none, sizeof none);
    }
    netlink_nest_end(request, nest);
}

/* An attribute of exactly this length, among those of a nest. */
static bool read_value(const uint8_t *nest, size_t size, uint16_t type, void *value, size_t length)
{
    size_t found;
    const uint8_t *bytes = netlink_value(nest, size, type, &found);
    if (!bytes || found != length)
        return false;
    memcpy(value, bytes, length);
    return true;
}

static const uint8_t *find_nest(const struct nlmsghdr *entry, uint16_t type, size_t *size)
{
    size_t start = NLMSG_LENGTH(GENERIC);
    return entry->nlmsg_len < start ? NULL : netlink_value((const uint8_t *)entry + start, entry->nlmsg_len - start, type, size);
}

static void note_service(void *context, const struct nlmsghdr *entry)
{
    struct ipvs_list *list = context;
    size_t size;
    uint16_t family, port;
    struct ipvs_service service = {0};
    const uint8_t *nest = find_nest(entry, IPVS_CMD_ATTR_SERVICE, &size);
    if (!nest || !read_value(nest, size, IPVS_SVC_ATTR_AF, &family, sizeof family) ||
        !read_value(nest, size, IPVS_SVC_ATTR_PROTOCOL, &service.protocol, sizeof service.protocol) ||
        !read_value(nest, size, IPVS_SVC_ATTR_ADDR, service.address.bytes, ADDRESS_SIZE) ||
        !read_value(nest, size, IPVS_SVC_ATTR_PORT, &port, sizeof port))
        return;
    service.port = ntohs(port);
    service.address.family = (uint8_t)family;
    service.address.prefix = (uint8_t)(8 * ip_address_size(&service.address));
    if (list->count < list->most)
        list->of.services[list->count] = service;
    list->count++;
}

static void note_host(void *context, const struct nlmsghdr *entry)
{
    struct ipvs_list *list = context;
    size_t size;
    uint16_t family, port;
    uint32_t active, inactive;
    struct ipvs_host host = {0};
    const uint8_t *nest = find_nest(entry, IPVS_CMD_ATTR_DEST, &size);
    if (!nest || !read_value(nest, size, IPVS_DEST_ATTR_ADDR_FAMILY, &family, sizeof family) ||
        !read_value(nest, size, IPVS_DEST_ATTR_ADDR, host.address.bytes, ADDRESS_SIZE) ||
        !read_value(nest, size, IPVS_DEST_ATTR_PORT, &port, sizeof port) ||
        !read_value(nest, size, IPVS_DEST_ATTR_ACTIVE_CONNS, &active, sizeof active) ||
        !read_value(nest, size, IPVS_DEST_ATTR_INACT_CONNS, &inactive, sizeof inactive))
        return;
    host.port = ntohs(port);
    host.used = active || inactive;
    host.address.family = (uint8_t)family;
    host.address.prefix = (uint8_t)(8 * ip_address_size(&host.address));
    if (list->count < list->most)
        list->of.hosts[list->count] = host;
    list->count++;
}

int ipvs_services(const struct ipvs *ipvs, struct ipvs_list *list)
{
    struct netlink_request request;
    begin(ipvs, &request, IPVS_CMD_GET_SERVICE);
    list->count = 0;
    int error = netlink_dump(ipvs->socket, &request, note_service, list);
    return error == 0 && list->count > list->most ? E2BIG : error;
}

int ipvs_hosts(const struct ipvs *ipvs, const struct ipvs_service *service, struct ipvs_list *list)
{
    struct netlink_request request;
    begin(ipvs, &request, IPVS_CMD_GET_DEST);
    put_service(&request, service, false);
    list->count = 0;
    int error = netlink_dump(ipvs->socket, &request, note_host, list);
    return error == 0 && list->count > list->most ? E2BIG : error;
}

int ipvs_add(const struct ipvs *ipvs, const struct ipvs_service *service)
{
    struct netlink_request request;
    begin(ipvs, &request, IPVS_CMD_NEW_SERVICE);
    put_service(&request, service, true);
    int error = netlink_ask(ipvs->socket, &request);
    return error == EEXIST ? 0 : error;
}

int ipvs_remove(const struct ipvs *ipvs, const struct ipvs_service *service)
{
    struct netlink_request request;
    begin(ipvs, &request, IPVS_CMD_DEL_SERVICE);
    put_service(&request, service, false);
    return netlink_ask(ipvs->socket, &request);
}

static int change_host(const struct ipvs *ipvs, uint8_t command, const struct ipvs_service *service,
                       const struct ipvs_host *host, const uint32_t *weight)
{
    struct netlink_request request;
    begin(ipvs, &request, command);
    put_service(&request, service, false);
    put_host(&request, host, weight);
    return netlink_ask(ipvs->socket, &request);
}

int ipvs_set_host(const struct ipvs *ipvs, const struct ipvs_service *service, const struct ipvs_host *host, uint32_t weight)
{
    int error = change_host(ipvs, IPVS_CMD_NEW_DEST, service, host, &weight);
    return error == EEXIST ? change_host(ipvs, IPVS_CMD_SET_DEST, service, host, &weight) : error;
}

int ipvs_remove_host(const struct ipvs *ipvs, const struct ipvs_service *service, const struct ipvs_host *host)
{
    return change_host(ipvs, IPVS_CMD_DEL_DEST, service, host, NULL);
}
