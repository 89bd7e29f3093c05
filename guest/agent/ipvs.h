#ifndef IPVS_H
#define IPVS_H

#include "ip_address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel's load balancer. All but what says otherwise return 0 or an errno. */

struct ipvs {
    int socket;
    uint16_t family;
};

struct ipvs_service {
    struct ip_address address;
    uint16_t port;
    uint16_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
};

struct ipvs_host {
    struct ip_address address;
    uint16_t port;
    bool used; /* has connections, some of which may have ended of late */
};

struct ipvs_list {
    size_t count, most;
    union {
        struct ipvs_service *services;
        struct ipvs_host *hosts;
    } of;
};

int ipvs_open(struct ipvs *ipvs);
void ipvs_close(struct ipvs *ipvs);
/* What the kernel has; beyond `most` it is E2BIG. */
int ipvs_services(const struct ipvs *ipvs, struct ipvs_list *list);
int ipvs_hosts(const struct ipvs *ipvs, const struct ipvs_service *service, struct ipvs_list *list);
/* Makes one whose connections go to its hosts in turn; one that is there is fine. */
int ipvs_add(const struct ipvs *ipvs, const struct ipvs_service *service);
int ipvs_remove(const struct ipvs *ipvs, const struct ipvs_service *service);
/* With weight 0 a host gets no new connections, and keeps those that it has. */
int ipvs_set_host(const struct ipvs *ipvs, const struct ipvs_service *service, const struct ipvs_host *host, uint32_t weight);
/* Its connections end. */
int ipvs_remove_host(const struct ipvs *ipvs, const struct ipvs_service *service, const struct ipvs_host *host);

#endif
