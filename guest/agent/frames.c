#include "frames.h"

#include <endian.h>
#include <string.h>

void frames_init(struct frame_reader *reader, message_handler *handler, void *context)
{
    memset(reader, 0, sizeof *reader);
    reader->handler = handler;
    reader->context = context;
    buffer_init(&reader->joined, MESSAGE_MAX);
}

static void drop_joined(struct frame_reader *reader)
{
    reader->joined_kind = 0;
    buffer_free(&reader->joined);
}

void frames_free(struct frame_reader *reader)
{
    drop_joined(reader);
}

void frame_begin(uint8_t header[FRAME_HEADER], uint8_t kind, size_t length)
{
    uint32_t little = htole32((uint32_t)length);
    header[0] = FRAME_BEGIN;
    header[1] = kind;
    memcpy(header + 2, &little, sizeof little);
}

static void become_lost(struct frame_reader *reader, uint8_t byte)
{
    reader->state = FRAME_LOST;
    reader->zeros = byte == 0;
    drop_joined(reader);
}

static void end_frame(struct frame_reader *reader)
{
    uint8_t kind = reader->kind & (uint8_t)~FRAME_MORE;
    reader->state = FRAME_BETWEEN;
    reader->zeros = 0;
    if (reader->joined_kind != kind)
        drop_joined(reader);
    if (reader->joined_kind == 0 && !(reader->kind & FRAME_MORE)) {
        reader->handler(reader->context, kind, reader->payload, reader->length);
        return;
    }
    reader->joined_kind = kind;
    buffer_append(&reader->joined, reader->payload, reader->length);
    if (reader->joined.failed) {
        become_lost(reader, FRAME_END);
        return;
    }
    if (reader->kind & FRAME_MORE)
        return;
    /* A message of empty parts has no buffer, and a NULL payload would need care everywhere. */
    uint8_t *payload = reader->joined.bytes ? reader->joined.bytes : reader->payload;
    reader->handler(reader->context, kind, payload, reader->joined.length);
    drop_joined(reader);
}

static void count_zero(struct frame_reader *reader)
{
    if (reader->zeros < DELIMITER_ZEROS && ++reader->zeros == DELIMITER_ZEROS) {
        drop_joined(reader);
        reader->state = FRAME_BETWEEN;
    }
}

static void read_length(struct frame_reader *reader, uint8_t byte)
{
    reader->length_bytes[reader->filled++] = byte;
    if (reader->filled < sizeof reader->length_bytes)
        return;
    uint32_t length;
    memcpy(&length, reader->length_bytes, sizeof length);
    reader->length = le32toh(length);
    reader->filled = 0;
    if (reader->length > FRAME_PAYLOAD_MAX)
        become_lost(reader, byte);
    else
        reader->state = reader->length ? FRAME_PAYLOAD : FRAME_LAST;
}

static void read_byte(struct frame_reader *reader, uint8_t byte)
{
    switch (reader->state) {
    case FRAME_BETWEEN:
        if (byte == 0)
            count_zero(reader);
        else if (byte == FRAME_BEGIN)
            reader->state = FRAME_KIND;
        else
            become_lost(reader, byte);
        break;
    case FRAME_KIND:
        reader->kind = byte;
        reader->filled = 0;
        reader->state = FRAME_LENGTH;
        break;
    case FRAME_LENGTH:
        read_length(reader, byte);
        break;
    case FRAME_LAST:
        if (byte == FRAME_END)
            end_frame(reader);
        else
            become_lost(reader, byte);
        break;
    case FRAME_LOST:
        if (byte == 0)
            count_zero(reader);
        else
            reader->zeros = 0;
        break;
    case FRAME_PAYLOAD: /* taken in bulk by frames_feed */
        break;
    }
}

void frames_feed(struct frame_reader *reader, const uint8_t *bytes, size_t length)
{
    while (length) {
        if (reader->state != FRAME_PAYLOAD) {
            read_byte(reader, *bytes++);
            length--;
            continue;
        }
        size_t part = reader->length - reader->filled;
        if (part > length)
            part = length;
        memcpy(reader->payload + reader->filled, bytes, part);
        reader->filled += (uint32_t)part;
        bytes += part;
        length -= part;
        if (reader->filled == reader->length)
            reader->state = FRAME_LAST;
    }
}
