#ifndef CHILD_H
#define CHILD_H

#include "launch.h"

/* The new process, from its birth to the command: never returns. Made of child_begin, its root, and child_become. */
_Noreturn void child_run(const struct launch *launch);
/* Of the agent's settings it keeps none. */
void child_begin(const struct launch *launch);
/* In its root: takes its descriptors, its user and its command. */
_Noreturn void child_become(const struct launch *launch);
/* Closes all descriptors from 3 on but these, in ascending order. */
void child_keep_only(const struct launch *launch, const int *kept, size_t count);
/* Clones the agent into a cgroup, as the first process of new namespaces. */
pid_t child_clone_first(int cgroup);
pid_t child_clone(uint64_t flags, int cgroup);
/* Tells the agent why not, and ends. The message is formatted, and ends with the errno's text when there is one. */
_Noreturn void child_fail(const struct launch *launch, enum failure failure, int error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
