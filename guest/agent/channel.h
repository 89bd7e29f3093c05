#ifndef CHANNEL_H
#define CHANNEL_H

#include "frames.h"
#include "loop.h"

#include <stdbool.h>

struct queued_frame;

/* One virtio-serial port: reads whole messages, writes frames, knows whether a host is there. */
struct channel {
    struct watch watch;
    const char *name;
    bool greeted;  /* a HELLO came */
    bool writable; /* the port took the last frame */
    bool paused;   /* reading waits until the queue has drained */
    struct queued_frame *first;
    struct queued_frame *last;
    size_t queued;
    struct frame_reader reader;
};

/* Opens the port if the kernel has found it; false when it is not there yet. */
bool channel_open(struct channel *channel, const char *name, message_handler *handler);
/* Drops what is queued: the answer to HELLO goes first. */
void channel_greet(struct channel *channel);
/* Queues a message, in frames. Dropped when no host has said HELLO. */
void channel_send(struct channel *channel, uint8_t kind, const void *payload, size_t length);
/* Writes the queue; true when it is empty and the port takes more. */
bool channel_flush(struct channel *channel);
/* Writes one whole frame, past the (empty) queue; false when the port is full. */
bool channel_write(struct channel *channel, const uint8_t *frame, size_t length);

#endif
