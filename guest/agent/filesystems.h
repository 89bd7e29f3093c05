#ifndef FILESYSTEMS_H
#define FILESYSTEMS_H

#include "request.h"

#include <stddef.h>

/* File systems that others have made, on disks of their own (MOUNT of TYPE `disk`). Mounts one, once, waiting for its disk at most
 * 10 s. Blocks: for jobs. Returns 0 or an errno. */
int filesystem_mount(const struct mount *mount, char *why, size_t why_size);
void filesystem_path(const struct mount *mount, char *path, size_t size);
/* Unmounts, if mounted. Returns 0 or an errno. */
int filesystem_release(const struct mount *mount);

#endif
