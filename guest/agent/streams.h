#ifndef STREAMS_H
#define STREAMS_H

#include "frames.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Connections are numbered by the agent from here on, processes by the host below. */
#define CONNECTION_FIRST 0x80000000U

/* The streams port: what processes write and read. */
bool streams_open(void);
/* Queues a message about a connection; false when there is no host. */
bool streams_send(enum kind kind, uint32_t id, const char *bytes, size_t length);
/* Writes what is due, as far as the port takes it. */
void streams_pump(void);

#endif
