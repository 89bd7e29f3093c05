#ifndef DISKS_H
#define DISKS_H

#include <stddef.h>
#include <stdint.h>

enum disk_kind { DISK_IMAGE, DISK_SCRATCH, DISK_VOLUME, DISK_MODULES };

/* The device of the disk with this serial, which is waited for at most 10 s. Blocks: for jobs. Returns 0 or an errno. */
int disk_find(const char *serial, char *device, size_t size, char *why, size_t why_size);
/* Mounts the disk with this serial, once, waiting for it at most 10 s. Blocks: for jobs. Returns 0 or an errno. */
int disk_mount(enum disk_kind kind, const char *serial, char *why, size_t why_size);
/* Makes an ext4 file system that is mounted so large; one that is stays as it is. What keeps it from that is in the log. */
void disk_grow(enum disk_kind kind, const char *serial, uint64_t bytes);
void disk_path(enum disk_kind kind, const char *serial, char *path, size_t size);
/* Unmounts, if mounted. Returns 0 or an errno. */
int disk_release(enum disk_kind kind, const char *serial);

#endif
