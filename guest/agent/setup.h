#ifndef SETUP_H
#define SETUP_H

#include "request.h"

#include <stddef.h>

/* SETUP: clock, entropy, hostname, network, sysctls. Returns 0 or an errno, with the reason in `why` where there is more to say. */
int guest_setup(const struct request *request, char *why, size_t why_size);

#endif
