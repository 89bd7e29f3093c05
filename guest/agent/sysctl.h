#ifndef SYSCTL_H
#define SYSCTL_H

#include "request.h"

#include <stddef.h>

/* Sets it for the namespaces of the caller. Returns 0 or an errno, and says why. */
int sysctl_set(const struct sysctl *sysctl, char *why, size_t why_size);

#endif
