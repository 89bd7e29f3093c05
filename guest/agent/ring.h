#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Room before and after the bytes, so that a frame can be put around any part of them in place. */
#define RING_MARGIN 32
#define RING_MIN (16U << 10)

/* The bytes of a stream from offset `start` to `end`; the byte of offset N lies at N modulo the capacity. */
struct ring {
    uint8_t *memory;
    size_t capacity; /* a power of two */
    uint64_t start;
    uint64_t end;
};

/* Makes some ahead, and sets the bound on all rings together. The first RING_MIN bytes of a ring are always granted. */
void rings_open(size_t bytes);
bool rings_scarce(void); /* more than half of the bound is used */

bool ring_open(struct ring *ring);
void ring_close(struct ring *ring);
size_t ring_space(const struct ring *ring);
/* Doubles the ring up to `most`, inside the bound on all; false when it may not or there is no memory. */
bool ring_grow(struct ring *ring, size_t most);
/* The same outside the bound: for room that was promised to the host. */
bool ring_grow_promised(struct ring *ring, size_t most);
/* Back to the smallest size, when empty. */
void ring_shrink(struct ring *ring);
/* The free room as one or two parts; returns how many. */
int ring_room(const struct ring *ring, struct iovec parts[2]);
void ring_filled(struct ring *ring, size_t length);
void ring_write(struct ring *ring, const uint8_t *bytes, size_t length);
/* The bytes from `offset` on, up to the end or the ring's edge. */
uint8_t *ring_at(const struct ring *ring, uint64_t offset, size_t *length);
void ring_release(struct ring *ring, uint64_t offset);

#endif
