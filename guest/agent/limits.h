#ifndef LIMITS_H
#define LIMITS_H

#include "request.h"

/* LIMIT_CONTAINER, answered when done: for less memory the kernel may first have to write to disks. */
void limits_set(const struct request *request);

#endif
