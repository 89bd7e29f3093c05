#ifndef FRAMES_H
#define FRAMES_H

#include "buffer.h"

#include <stddef.h>
#include <stdint.h>

/* The frames of docs/agent-protocol.md: 0xA5 kind:u8 length:u32 payload 0x5A. */
#define FRAME_HEADER 6
#define FRAME_TRAILER 1
#define FRAME_OVERHEAD (FRAME_HEADER + FRAME_TRAILER)
#define FRAME_PAYLOAD_MAX 32752
#define FRAME_BEGIN 0xA5
#define FRAME_END 0x5A
#define FRAME_MORE 0x80
#define MESSAGE_MAX (4U << 20)
#define DELIMITER_ZEROS 32768

enum kind {
    KIND_HELLO = 0x01, KIND_REQUEST, KIND_REPLY, KIND_EVENT, KIND_EVENT_ACK,
    KIND_DATA = 0x11, KIND_ACK, KIND_EOF, KIND_OPEN, KIND_CLOSE,
};

/* Called with each whole message, joined from its frames. The payload may be changed and is gone after the call. */
typedef void message_handler(void *context, uint8_t kind, uint8_t *payload, size_t length);

struct frame_reader {
    enum { FRAME_BETWEEN, FRAME_KIND, FRAME_LENGTH, FRAME_PAYLOAD, FRAME_LAST, FRAME_LOST } state;
    uint8_t kind;
    uint8_t length_bytes[4];
    uint32_t length;
    uint32_t filled;
    uint32_t zeros; /* in a row, between frames or when lost */
    uint8_t joined_kind; /* 0: no message is begun */
    struct buffer joined;
    message_handler *handler;
    void *context;
    uint8_t payload[FRAME_PAYLOAD_MAX];
};

void frames_init(struct frame_reader *reader, message_handler *handler, void *context);
void frames_free(struct frame_reader *reader);
void frames_feed(struct frame_reader *reader, const uint8_t *bytes, size_t length);

void frame_begin(uint8_t header[FRAME_HEADER], uint8_t kind, size_t length);

#endif
