#ifndef ROOTFS_H
#define ROOTFS_H

#include "launch.h"

/* The first process of a container, in its new namespaces: mounts what each container has; returns its root. The request is not needed. */
int rootfs_begin(const struct launch *launch);
/* Mounts what this container is to have, and makes the root its own, which takes the descriptor. */
void rootfs_finish(const struct launch *launch, int root);

#endif
