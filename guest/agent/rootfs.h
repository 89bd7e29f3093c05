#ifndef ROOTFS_H
#define ROOTFS_H

#include "launch.h"

/* The first process of a container, in its new namespaces: mounts what belongs there and makes it its root. */
void rootfs_enter(const struct launch *launch);

#endif
