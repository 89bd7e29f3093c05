#include "streams.h"

#include "channel.h"
#include "lane.h"
#include "process.h"
#include "sockets.h"

#include <endian.h>
#include <string.h>

#define PORT "sh.hyper.channel.1"
#define NONCE 16
#define HEADER 16
#define BODY_MAX (FRAME_PAYLOAD_MAX - HEADER)
#define TEXT_MAX 128

static struct channel channel;
static uint32_t turn_lane; /* where the last pump stopped: streams take turns */

static void put_header(uint8_t header[HEADER], uint32_t id, uint8_t stream, uint64_t offset)
{
    uint32_t little = htole32(id);
    uint64_t place = htole64(offset);
    memset(header, 0, HEADER);
    memcpy(header, &little, sizeof little);
    header[4] = stream;
    memcpy(header + 8, &place, sizeof place);
}

static void get_header(const uint8_t *header, uint32_t *id, uint8_t *stream, uint64_t *offset)
{
    memcpy(id, header, sizeof *id);
    memcpy(offset, header + 8, sizeof *offset);
    *id = le32toh(*id);
    *stream = header[4];
    *offset = le64toh(*offset);
}

static void acknowledge(uint32_t id, uint8_t stream, uint64_t offset)
{
    uint8_t header[HEADER];
    put_header(header, id, stream, offset);
    channel_send(&channel, KIND_ACK, header, sizeof header);
}

static void on_acknowledged(uint32_t id, uint8_t stream, uint64_t offset)
{
    struct lane *lane = lane_find(id);
    if (!lane || stream < 1 || stream > lane->output_count)
        return;
    output_acknowledge(&lane->outputs[stream - 1], offset);
    lane->settle(lane->owner);
}

static void on_hello(const uint8_t *payload, size_t length)
{
    static uint8_t answer[NONCE + HEADER * PROCESSES_MAX];
    size_t filled = NONCE;
    if (length < NONCE || (length - NONCE) % HEADER)
        return;
    channel_greet(&channel);
    for (size_t at = NONCE; at < length; at += HEADER) {
        uint32_t id;
        uint8_t stream;
        uint64_t offset;
        get_header(payload + at, &id, &stream, &offset);
        on_acknowledged(id, stream, offset);
    }
    connections_reset();
    memcpy(answer, payload, NONCE);
    for (struct lane *lane = lanes; lane; lane = lane->next) {
        for (int i = 0; i < lane->output_count; i++)
            output_resend(&lane->outputs[i]);
        lane->input.told = input_taken(&lane->input);
        put_header(answer + filled, lane->id, 0, lane->input.told);
        filled += HEADER;
    }
    channel_send(&channel, KIND_HELLO, answer, filled);
}

static void on_input(uint8_t kind, const uint8_t *payload, size_t length)
{
    uint32_t id;
    uint8_t stream;
    uint64_t offset;
    get_header(payload, &id, &stream, &offset);
    struct lane *lane = lane_find(id);
    if (stream != 0)
        return;
    if (!lane)
        acknowledge(id, 0, kind == KIND_EOF ? offset + 1 : offset + length - HEADER);
    else if (kind == KIND_EOF)
        input_eof(&lane->input, offset);
    else
        input_data(&lane->input, offset, payload + HEADER, length - HEADER);
}

static void on_message(void *context, uint8_t kind, uint8_t *payload, size_t length)
{
    (void)context;
    if (kind == KIND_HELLO) {
        on_hello(payload, length);
        return;
    }
    if (!channel.greeted || length < HEADER)
        return;
    if (kind == KIND_DATA || kind == KIND_EOF)
        on_input(kind, payload, length);
    uint32_t id;
    uint8_t stream;
    uint64_t offset;
    get_header(payload, &id, &stream, &offset);
    if (kind == KIND_ACK)
        on_acknowledged(id, stream, offset);
    if (kind == KIND_CLOSE)
        connection_close(id);
}

bool streams_send(enum kind kind, uint32_t id, const char *bytes, size_t length)
{
    uint8_t message[HEADER + TEXT_MAX];
    if (!channel.greeted || length > TEXT_MAX)
        return false;
    put_header(message, id, 1, 0);
    if (length)
        memcpy(message + HEADER, bytes, length);
    channel_send(&channel, (uint8_t)kind, message, HEADER + length);
    return channel.greeted;
}

bool streams_open(void)
{
    return channel.name || channel_open(&channel, PORT, on_message);
}

static bool send_eof(struct lane *lane, uint8_t stream, struct output *output)
{
    uint8_t frame[FRAME_OVERHEAD + HEADER];
    frame_begin(frame, KIND_EOF, HEADER);
    put_header(frame + FRAME_HEADER, lane->id, stream, output->ring.end);
    frame[FRAME_HEADER + HEADER] = FRAME_END;
    output->eof_sent = channel_write(&channel, frame, sizeof frame);
    return output->eof_sent;
}

/* Writes one frame with no copy: the frame is put around the bytes where they lie in the ring, and what it covers there is
 * put back after the write. writev would not do: the port has no write_iter, each part would be a buffer of its own. */
static bool send_data(struct lane *lane, uint8_t stream, struct output *output)
{
    uint8_t before[FRAME_HEADER + HEADER], after;
    size_t length;
    uint8_t *bytes = ring_at(&output->ring, output->sent, &length);
    if (length > BODY_MAX)
        length = BODY_MAX;
    uint8_t *frame = bytes - sizeof before;
    memcpy(before, frame, sizeof before);
    after = bytes[length];
    frame_begin(frame, KIND_DATA, HEADER + length);
    put_header(frame + FRAME_HEADER, lane->id, stream, output->sent);
    bytes[length] = FRAME_END;
    bool written = channel_write(&channel, frame, sizeof before + length + FRAME_TRAILER);
    memcpy(frame, before, sizeof before);
    bytes[length] = after;
    if (written)
        output->sent += length;
    return written;
}

/* 1: a frame was written, 0: nothing is due, -1: the port is full. */
static int pump_output(struct lane *lane, uint8_t stream)
{
    struct output *output = &lane->outputs[stream - 1];
    if (output->sent < output->ring.end)
        return send_data(lane, stream, output) ? 1 : -1;
    if (output->ended && !output->eof_sent)
        return send_eof(lane, stream, output) ? 1 : -1;
    return 0;
}

static int pump_lane(struct lane *lane)
{
    int sent = 0;
    for (uint8_t stream = 1; stream <= lane->output_count; stream++) {
        int result = pump_output(lane, stream);
        if (result < 0)
            return -1;
        sent |= result;
    }
    return sent;
}

/* One frame of each stream, beginning after the lane that came last. */
static int pump_round(void)
{
    int sent = 0;
    struct lane *start = lane_find(turn_lane);
    struct lane *lane = start && start->next ? start->next : lanes;
    struct lane *first = lane;
    while (lane) {
        int result = pump_lane(lane);
        turn_lane = lane->id;
        if (result < 0)
            return -1;
        sent |= result;
        lane = lane->next ? lane->next : lanes;
        if (lane == first)
            break;
    }
    return sent;
}

static void acknowledge_inputs(void)
{
    for (struct lane *lane = lanes; lane; lane = lane->next) {
        uint64_t taken = input_taken(&lane->input);
        if (taken == lane->input.told)
            continue;
        lane->input.told = taken;
        acknowledge(lane->id, 0, taken);
    }
}

void streams_pump(void)
{
    if (!channel.name)
        return;
    acknowledge_inputs();
    connections_settle();
    while (channel_flush(&channel) && channel.greeted && pump_round() > 0)
        continue;
}
