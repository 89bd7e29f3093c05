#ifndef SOURCE_H
#define SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* An archive in memory, as tar_open reads one. */
struct source {
    const uint8_t *at;
    size_t left;
    size_t piece; /* as much at a time */
};

static inline ssize_t read_source(void *of, void *bytes, size_t length)
{
    struct source *source = of;
    size_t part = length < source->piece ? length : source->piece;
    part = part < source->left ? part : source->left;
    if (part == 0)
        return 0;
    memcpy(bytes, source->at, part);
    source->at += part;
    source->left -= part;
    return (ssize_t)part;
}

#endif
