#ifndef SUPERBLOCK_H
#define SUPERBLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Where the last of the superblocks that are known ends. */
#define SUPERBLOCK_BYTES (68U << 10)

/* What is on a disk: a file system that mount(2) knows by `type`, or the reason why there is none to mount. */
struct superblock {
    const char *type, *problem;
};

/* Of a disk's first bytes, as many as there are up to SUPERBLOCK_BYTES. */
struct superblock superblock_find(const uint8_t *bytes, size_t length);

#endif
