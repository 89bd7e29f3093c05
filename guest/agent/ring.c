#include "ring.h"

#include <stdlib.h>
#include <string.h>

/* Of the smallest, some stay: in a clone's first process to map one and to unmap it costs 7 ms. */
#define SPARES 4

static size_t limit = 16U << 20;
static size_t used;
static uint8_t *spares[SPARES];
static size_t spare_count;

bool rings_scarce(void)
{
    return used > limit / 2;
}

static uint8_t *allocate(size_t capacity)
{
    bool spare = capacity == RING_MIN && spare_count > 0;
    uint8_t *memory = spare ? spares[--spare_count] : malloc(capacity + 2 * RING_MARGIN);
    if (memory)
        used += capacity;
    return memory;
}

static void give_back(uint8_t *memory, size_t capacity)
{
    if (memory)
        used -= capacity;
    if (memory && capacity == RING_MIN && spare_count < SPARES)
        spares[spare_count++] = memory;
    else
        free(memory);
}

void rings_open(size_t bytes)
{
    limit = bytes;
    for (size_t i = spare_count; i < SPARES; i++)
        if ((spares[spare_count] = malloc(RING_MIN + 2 * RING_MARGIN)))
            spare_count++;
}

bool ring_open(struct ring *ring)
{
    *ring = (struct ring){.memory = allocate(RING_MIN), .capacity = RING_MIN};
    return ring->memory != NULL;
}

void ring_close(struct ring *ring)
{
    give_back(ring->memory, ring->capacity);
    ring->memory = NULL;
    ring->capacity = 0;
    ring->start = ring->end;
}

size_t ring_space(const struct ring *ring)
{
    return ring->capacity - (size_t)(ring->end - ring->start);
}

static uint8_t *place(const struct ring *ring, uint64_t offset)
{
    return ring->memory + RING_MARGIN + (offset & (ring->capacity - 1));
}

static size_t to_edge(const struct ring *ring, uint64_t offset)
{
    return ring->capacity - (size_t)(offset & (ring->capacity - 1));
}

bool ring_grow(struct ring *ring, size_t most)
{
    return used + ring->capacity <= limit && ring_grow_promised(ring, most);
}

bool ring_grow_promised(struct ring *ring, size_t most)
{
    if (!ring->memory || ring->capacity * 2 > most)
        return false;
    struct ring larger = {.memory = allocate(ring->capacity * 2), .capacity = ring->capacity * 2, .start = ring->start, .end = ring->start};
    if (!larger.memory)
        return false;
    while (larger.end < ring->end) {
        size_t length;
        const uint8_t *bytes = ring_at(ring, larger.end, &length);
        ring_write(&larger, bytes, length);
    }
    give_back(ring->memory, ring->capacity);
    *ring = larger;
    return true;
}

void ring_shrink(struct ring *ring)
{
    if (!ring->memory || ring->start != ring->end || ring->capacity == RING_MIN)
        return;
    uint8_t *memory = allocate(RING_MIN);
    if (!memory)
        return;
    give_back(ring->memory, ring->capacity);
    ring->memory = memory;
    ring->capacity = RING_MIN;
}

int ring_room(const struct ring *ring, struct iovec parts[2])
{
    size_t space = ring_space(ring);
    if (space == 0)
        return 0;
    size_t first = to_edge(ring, ring->end);
    if (first > space)
        first = space;
    parts[0] = (struct iovec){.iov_base = place(ring, ring->end), .iov_len = first};
    if (first == space)
        return 1;
    parts[1] = (struct iovec){.iov_base = ring->memory + RING_MARGIN, .iov_len = space - first};
    return 2;
}

void ring_filled(struct ring *ring, size_t length)
{
    ring->end += length;
}

void ring_write(struct ring *ring, const uint8_t *bytes, size_t length)
{
    struct iovec parts[2];
    int count = ring_room(ring, parts);
    for (int i = 0; i < count && length; i++) {
        size_t part = parts[i].iov_len < length ? parts[i].iov_len : length;
        memcpy(parts[i].iov_base, bytes, part);
        ring->end += part;
        bytes += part;
        length -= part;
    }
}

uint8_t *ring_at(const struct ring *ring, uint64_t offset, size_t *length)
{
    size_t left = (size_t)(ring->end - offset);
    size_t edge = to_edge(ring, offset);
    *length = left < edge ? left : edge;
    return place(ring, offset);
}

void ring_release(struct ring *ring, uint64_t offset)
{
    if (offset > ring->start)
        ring->start = offset < ring->end ? offset : ring->end;
}
