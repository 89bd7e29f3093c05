#ifndef NETWORK_H
#define NETWORK_H

#include "request.h"

#include <stddef.h>

/* All return 0 or an errno. */
int network_loopback(void);
/* Brings an interface to what the host says: name, MAC, MTU, exactly these IPv4 addresses, up, the default route. */
int network_configure(const struct nic *nic, char *why, size_t why_size);

#endif
