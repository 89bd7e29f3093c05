#ifndef STREAMS_H
#define STREAMS_H

#include <stdbool.h>

/* The streams port: what processes write and read. */
bool streams_open(void);
/* Writes what is due, as far as the port takes it. */
void streams_pump(void);

#endif
