#ifndef CGROUP_H
#define CGROUP_H

#include "request.h"

#include <stdbool.h>
#include <stdint.h>

/* Boot: the agent in a leaf of its own, controllers for the others. */
void cgroup_boot(void);
/* That of processes outside every container. */
int cgroup_guest(void);
/* Makes a container's, with its limits and its devices. Returns 0 or an errno. */
int cgroup_make(uint64_t container);
/* What one may have when nobody says, and with `alone`, as the pod's only one so far, what the pod may: that is measured. */
int cgroup_limit_unasked(uint64_t container, bool alone);
/* What its request says. */
int cgroup_limit(uint64_t container, const struct request *request);
int cgroup_open(uint64_t container);

/* How many of its processes the kernel has killed for want of memory. */
struct oom_count {
    int events; /* its memory.events; -1: not watched */
    uint64_t kills;
};

/* Returns 0 or an errno. */
int cgroup_watch_memory(uint64_t container, struct oom_count *count);
/* The count as it is now. `surely`: read it, though the kernel may hold back that it has changed, for 10 ms. */
uint64_t cgroup_oom_kills(struct oom_count *count, bool surely);
/* Kills all that is in it and waits until it is gone. Blocks: for jobs. */
int cgroup_kill(uint64_t container);
/* Stops what is in all containers, or lets it go on; waits until it is so. Blocks: for jobs. */
int cgroup_freeze(bool frozen);
void cgroup_remove(uint64_t container);

#endif
