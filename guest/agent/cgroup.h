#ifndef CGROUP_H
#define CGROUP_H

#include "request.h"

#include <stdint.h>

/* Boot: the agent in a leaf of its own, controllers for the others. */
void cgroup_boot(void);
/* That of processes outside every container. */
int cgroup_guest(void);
/* Makes a container's, with its limits and its devices. Returns 0 or an errno. */
int cgroup_make(uint64_t container);
int cgroup_limit(uint64_t container, const struct request *request);
int cgroup_open(uint64_t container);
uint64_t cgroup_oom_kills(uint64_t container);
/* Kills all that is in it and waits until it is gone. Blocks: for jobs. */
int cgroup_kill(uint64_t container);
void cgroup_remove(uint64_t container);

#endif
