#ifndef SOCKETS_H
#define SOCKETS_H

#include <stddef.h>
#include <stdint.h>

struct container;

/* Sockets of the host's that a container was given: the agent listens in their place, and each connection goes to the host. */

/* Listens for all of a container's. Returns 0 or an errno. */
int sockets_open(const struct container *container);
void sockets_close(uint64_t container);
/* Where the socket of one of a container's mounts lies. */
void socket_path(uint64_t container, size_t mount, char *path, size_t size);

/* Ends a connection at once: the host has closed it. */
void connection_close(uint32_t id);
/* Ends all: another host has come, which knows none of them. */
void connections_reset(void);
/* Forgets those that have ended on both sides. */
void connections_settle(void);

#endif
