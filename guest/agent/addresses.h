#ifndef ADDRESSES_H
#define ADDRESSES_H

#include "ip_address.h"
#include "request.h"

#include <stdbool.h>
#include <stddef.h>

#define ADDRESSES_MAX 64

/* All that an interface has, but for its link-local one of IPv6. */
struct address_list {
    bool known;
    int interface;
    size_t count;
    struct ip_address addresses[ADDRESSES_MAX];
};

/* Of an interface, by a netlink socket; with `ipv6` false, one that has none. Both return 0 or an errno. */

/* It has exactly these addresses, and of IPv6 its link-local one beside them. What was known before is not asked. */
int addresses_set(int socket, struct address_list *present, const struct nic *nic, bool ipv6);
/* The default routes of these gateways go by it; that of a family without a gateway does not. */
int addresses_set_default_routes(int socket, int interface, const struct nic *nic, bool ipv6);

#endif
