#ifndef ADDRESSES_H
#define ADDRESSES_H

#include "request.h"

#include <stdbool.h>

/* Of an interface, by a netlink socket; with `ipv6` false, one that has none. Both return 0 or an errno. */

/* It has exactly these addresses, and of IPv6 its link-local one beside them. */
int addresses_set(int socket, int interface, const struct nic *nic, bool ipv6);
/* The default routes of these gateways go by it; that of a family without a gateway does not. */
int addresses_set_default_routes(int socket, int interface, const struct nic *nic, bool ipv6);

#endif
