/* Any bytes in any pieces: the reader never writes out of bounds, and the delimiter always brings it back. */
#include "frames.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_message(void *context, uint8_t kind, uint8_t *payload, size_t length)
{
    size_t *messages = context;
    if (kind & FRAME_MORE || length > MESSAGE_MAX)
        abort();
    if (length)
        payload[length - 1] ^= payload[0];
    (*messages)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct frame_reader reader;
    static const uint8_t delimiter[65600];
    static const uint8_t hello[] = {FRAME_BEGIN, KIND_HELLO, 1, 0, 0, 0, 'x', FRAME_END};
    size_t messages = 0, piece = size ? data[0] + 1U : 1;
    frames_init(&reader, on_message, &messages);
    for (size_t at = 0; at < size; at += piece)
        frames_feed(&reader, data + at, size - at < piece ? size - at : piece);
    frames_feed(&reader, delimiter, sizeof delimiter);
    size_t before = messages;
    frames_feed(&reader, hello, sizeof hello);
    if (messages != before + 1)
        abort();
    frames_free(&reader);
    return 0;
}
