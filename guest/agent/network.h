#ifndef NETWORK_H
#define NETWORK_H

#include "request.h"

#include <stdbool.h>
#include <stddef.h>

/* All return 0 or an errno. */
int network_loopback(void);
/* What the agent knows to be set may be changed by others from now on: it is looked at, and set anew, the next time. */
void network_forget(void);
/* The same, and a helper is not to share the agent's socket. */
void network_part(void);

/* Whether there is an interface with this MAC. */
bool network_has(const char *mac);
/* Sets an interface down and without addresses, by which its routes go; one that is not there is fine. */
int network_take_down(const char *mac, char *why, size_t why_size);
/* `only`: the guest has no other. Brings an interface to what the host says: name, MAC, MTU, exactly these addresses (IPv6 is off without one of
 * it), up, the default routes by it or, without a gateway of a family, none of that family. */
int network_configure(const struct nic *nic, bool only, char *why, size_t why_size);

#endif
