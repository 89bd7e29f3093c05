#ifndef NFS_H
#define NFS_H

#include "request.h"

#include <stddef.h>

/* Folders of NFS servers (MOUNT of TYPE `nfs`), by the guest's kernel over the pod's network. Mounts one, once; a server that does
 * not answer is given up. Blocks: for jobs. Returns 0 or an errno. */
int nfs_mount(const struct mount *mount, char *why, size_t why_size);
void nfs_path(const struct mount *mount, char *path, size_t size);
/* Unmounts it when all is written, or after a few seconds though it is not. */
void nfs_release(const struct mount *mount);

#endif
