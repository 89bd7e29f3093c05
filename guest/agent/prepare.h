#ifndef PREPARE_H
#define PREPARE_H

#include "request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct container;

/* Jobs on a container: what may wait for disks and processes. The argument is the container. */
int prepare_container(void *container, char *why);
int prepare_destruction(void *container, char *why);
/* Whether prepare_container may have to wait, and so must be a job. */
bool prepare_waits(const struct container *container);

/* The folder behind a volume of a container, on its scratch disk. */
void prepare_volume_path(const char *scratch, uint64_t container, const char *volume, char *path, size_t size);

/* The writable layer of a container, on its scratch disk. */
void prepare_upper_path(const struct container *container, char *path, size_t size);

/* What a mount of a share, disk, file system or NFS shows. */
void prepare_source_path(const struct mount *mount, char *path, size_t size);

/* Writes the FILE of this number among the request's mounts, in place of what it holds. Returns 0 or an errno. */
int prepare_file(const struct container *container, size_t number);

#endif
