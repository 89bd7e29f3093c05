#ifndef MOUNTS_H
#define MOUNTS_H

#include <stdbool.h>

/* Whether something is mounted at this path of the agent's own namespace. Asks the kernel alone, never the file system. */
bool mounts_have(const char *path);
/* Mounts at the path, which is made, unless something is there: two containers may come at the same time. Returns 0 or an errno. */
int mounts_add(const char *source, const char *path, const char *type, unsigned long flags, const char *options);
/* Writes back and unmounts the disk at the path, if one is; a failure is in the log. Returns 0 or an errno. */
int mounts_remove(const char *path, const char *serial);

#endif
