#include "services.h"

#include "answer.h"
#include "ipvs.h"
#include "modules.h"
#include "netlink.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WHY_SIZE 256
/* Of services, and of the hosts of one: with those that are only kept for their connections. */
#define LIST_MAX 256
/* Whose routes are ours (rtm_protocol); the kernel's and other programs' numbers are others. */
#define OUR_ROUTES 0x68

static bool same_service(const struct ipvs_service *one, const struct ipvs_service *other)
{
    return ip_address_same(&one->address, &other->address) && one->port == other->port && one->protocol == other->protocol;
}

static bool same_host(const struct ipvs_host *one, const struct ipvs_host *other)
{
    return ip_address_same(&one->address, &other->address) && one->port == other->port;
}

static bool read_address(const char *text, uint64_t port, struct ip_address *address, uint16_t *number)
{
    *number = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX && ip_address_parse(text, address);
}

static bool read_service(const struct service *wanted, struct ipvs_service *service)
{
    service->protocol = wanted->udp ? IPPROTO_UDP : IPPROTO_TCP;
    return read_address(wanted->address, wanted->port, &service->address, &service->port);
}

/*
 * What is sent to the address leaves by the interface of its hosts, and so has a source that they can answer; the load
 * balancer takes it before it would be sent. The address is on no interface: nobody is told of it by ARP.
 */
static int set_route(const struct ip_address *address, const char *interface)
{
    struct netlink_request request;
    uint32_t out = interface ? if_nametoindex(interface) : 0;
    if (interface && !out)
        return ENODEV;
    netlink_begin(&request, interface ? RTM_NEWROUTE : RTM_DELROUTE, interface ? NLM_F_CREATE | NLM_F_REPLACE : 0, sizeof request.body.route);
    request.body.route.rtm_family = address->family;
    request.body.route.rtm_dst_len = address->prefix;
    request.body.route.rtm_table = RT_TABLE_MAIN;
    request.body.route.rtm_protocol = OUR_ROUTES;
    request.body.route.rtm_scope = interface ? RT_SCOPE_LINK : RT_SCOPE_NOWHERE;
    request.body.route.rtm_type = interface ? RTN_UNICAST : 0;
    netlink_attribute(&request, RTA_DST, address->bytes, ip_address_size(address));
    if (interface)
        netlink_attribute(&request, RTA_OIF, &out, sizeof out);
    int socket = netlink_open(NETLINK_ROUTE);
    int error = socket < 0 ? errno : netlink_ask(socket, &request);
    if (socket >= 0)
        (void)close(socket);
    return error == ESRCH && !interface ? 0 : error;
}

/* A host that is not wanted any more gets nothing new; one with connections keeps them, and stays until a later change. */
static int retire_host(const struct ipvs *ipvs, const struct ipvs_service *service, const struct ipvs_host *host)
{
    return host->used ? ipvs_set_host(ipvs, service, host, 0) : ipvs_remove_host(ipvs, service, host);
}

/* The same for all of a service; that goes when no host is left. */
static int retire_service(const struct ipvs *ipvs, const struct ipvs_service *service, bool *gone)
{
    struct ipvs_host hosts[LIST_MAX];
    struct ipvs_list list = {.most = LIST_MAX, .of.hosts = hosts};
    int error = ipvs_hosts(ipvs, service, &list);
    *gone = true;
    for (size_t i = 0; error == 0 && i < list.count; i++) {
        error = retire_host(ipvs, service, &hosts[i]);
        *gone = *gone && !hosts[i].used;
    }
    return error == 0 && *gone ? ipvs_remove(ipvs, service) : error;
}

static int set_service(const struct ipvs *ipvs, const struct service *wanted)
{
    struct ipvs_service service;
    struct ipvs_host hosts[LIST_MAX], present[LIST_MAX];
    struct ipvs_list list = {.most = LIST_MAX, .of.hosts = present};
    if (wanted->host_count > LIST_MAX || !read_service(wanted, &service))
        return EINVAL;
    for (size_t i = 0; i < wanted->host_count; i++) {
        hosts[i] = (struct ipvs_host){0};
        if (!read_address(wanted->hosts[i].address, wanted->hosts[i].port, &hosts[i].address, &hosts[i].port) ||
            hosts[i].address.family != service.address.family)
            return EINVAL;
    }
    int error = ipvs_add(ipvs, &service);
    if (error == 0)
        error = ipvs_hosts(ipvs, &service, &list);
    for (size_t i = 0; error == 0 && i < wanted->host_count; i++)
        error = ipvs_set_host(ipvs, &service, &hosts[i], 1);
    for (size_t i = 0; error == 0 && i < list.count; i++) {
        bool keep = false;
        for (size_t j = 0; !keep && j < wanted->host_count; j++)
            keep = same_host(&hosts[j], &present[i]);
        if (!keep)
            error = retire_host(ipvs, &service, &present[i]);
    }
    return error ? error : set_route(&service.address, wanted->interface);
}

static bool is_wanted(const struct request *request, const struct ipvs_service *service)
{
    struct ipvs_service wanted;
    for (size_t i = 0; i < request->service_count; i++)
        if (read_service(&request->services[i], &wanted) && same_service(&wanted, service))
            return true;
    return false;
}

/* Its address' route goes with the last service that has it. */
static int drop_route(const struct ipvs *ipvs, const struct ip_address *address)
{
    struct ipvs_service present[LIST_MAX];
    struct ipvs_list list = {.most = LIST_MAX, .of.services = present};
    int error = ipvs_services(ipvs, &list);
    for (size_t i = 0; error == 0 && i < list.count; i++)
        if (ip_address_same(&present[i].address, address))
            return 0;
    return error ? error : set_route(address, NULL);
}

static int retire_others(const struct ipvs *ipvs, const struct request *request)
{
    struct ipvs_service present[LIST_MAX];
    struct ipvs_list list = {.most = LIST_MAX, .of.services = present};
    int error = ipvs_services(ipvs, &list);
    for (size_t i = 0; error == 0 && i < list.count; i++) {
        bool gone = false;
        if (is_wanted(request, &present[i]))
            continue;
        error = retire_service(ipvs, &present[i], &gone);
        if (error == 0 && gone)
            error = drop_route(ipvs, &present[i].address);
    }
    return error;
}

static int set_all(const struct request *request, char *why)
{
    struct ipvs ipvs = {.socket = -1};
    int error = modules_load_services(why, WHY_SIZE);
    if (error)
        return error;
    error = ipvs_open(&ipvs);
    for (size_t i = 0; error == 0 && i < request->service_count; i++) {
        const struct service *service = &request->services[i];
        error = set_service(&ipvs, service);
        if (error)
            (void)snprintf(why, WHY_SIZE, "service %.64s port %u: %s", service->address, (unsigned int)service->port, strerror(error));
    }
    if (error == 0)
        error = retire_others(&ipvs, request);
    ipvs_close(&ipvs);
    return error;
}

void services_set(const struct request *request)
{
    answer_by_job(request, set_all);
}
