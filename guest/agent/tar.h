#ifndef TAR_H
#define TAR_H

#include "buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Tar archives as POSIX.1-2001's pax writes them; read are also ustar's and GNU tar's, but for sparse files. */

#define TAR_BLOCK 512
/* Of what comes ahead of one entry: long names and xattrs. As Go's archive/tar. */
#define TAR_EXTENSION_MAX (1U << 20)

#define TAR_FILE '0'
#define TAR_HARD_LINK '1'
#define TAR_SYMLINK '2'
#define TAR_CHARACTER '3'
#define TAR_DEVICE '4'
#define TAR_FOLDER '5'
#define TAR_FIFO '6'

struct tar_xattr {
    const char *name;
    const uint8_t *value;
    size_t length;
};

/* One entry with all its headers applied. */
struct tar_entry {
    char type;
    const char *name, *link;
    uint32_t mode, uid, gid; /* mode: the twelve permission bits */
    uint32_t major, minor;
    uint64_t size; /* of a file; 0 for others */
    struct timespec mtime;
    const struct tar_xattr *xattrs;
    size_t xattr_count;
};

/* Appends an entry's headers; a file's bytes follow, padded to whole blocks. Times are whole seconds, as Docker's. */
void tar_put(struct buffer *archive, const struct tar_entry *entry);
void tar_put_padding(struct buffer *archive, uint64_t size);
void tar_put_end(struct buffer *archive);

struct tar_reader {
    /* As read(2): fewer bytes than asked for are fine, 0 is the end, below 0 an error. */
    ssize_t (*read)(void *source, void *bytes, size_t length);
    void *source;
    uint64_t left, padding;        /* of the entry's bytes */
    struct buffer name, link, pax; /* what the latest entry's texts lie in */
    struct tar_xattr *xattrs;
    size_t xattr_count, xattr_capacity;
    const char *why; /* what is wrong with the archive */
    uint8_t block[TAR_BLOCK];
};

void tar_open(struct tar_reader *reader, ssize_t (*read)(void *, void *, size_t), void *source);
/* 1: an entry, whose texts hold until the next call; 0: the end; -1: `why` says what is wrong. */
int tar_next(struct tar_reader *reader, struct tar_entry *entry);
/* Some of the entry's bytes; 0 at their end, -1 as above. */
ssize_t tar_read(struct tar_reader *reader, void *bytes, size_t length);
void tar_close(struct tar_reader *reader);

#endif
