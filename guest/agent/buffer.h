#ifndef BUFFER_H
#define BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow up to a limit. After a failed append `failed` stays set, so that a caller checks once, at the end. */
struct buffer {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
    size_t limit;
    bool failed;
};

void buffer_init(struct buffer *buffer, size_t limit);
void buffer_free(struct buffer *buffer);
void buffer_append(struct buffer *buffer, const void *bytes, size_t length);

#endif
