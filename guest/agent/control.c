#include "control.h"

#include "answer.h"
#include "cgroup.h"
#include "channel.h"
#include "clock.h"
#include "container.h"
#include "events.h"
#include "fields.h"
#include "files.h"
#include "launch.h"
#include "memory.h"
#include "modules.h"
#include "nics.h"
#include "power.h"
#include "process.h"
#include "request.h"
#include "services.h"
#include "setup.h"
#include "stage.h"
#include "update.h"
#include "version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORT "sh.hyper.channel.0"
#define NONCE 16
/* Of one file that READ_FILES names. */
#define READ_MOST (64U << 10)

static struct channel channel;

void control_send(enum kind kind, const struct buffer *payload)
{
    channel_send(&channel, (uint8_t)kind, payload->bytes, payload->length);
}

void reply_begin(struct buffer *reply, uint64_t id, int error, const char *message)
{
    buffer_init(reply, MESSAGE_MAX);
    put_integer(reply, TAG_ID, id);
    put_integer(reply, TAG_STATUS, (uint64_t)error);
    if (error)
        put_text(reply, TAG_MESSAGE, message && *message ? message : strerror(error));
}

void reply_send(struct buffer *reply)
{
    if (!reply->failed)
        control_send(KIND_REPLY, reply);
    buffer_free(reply);
}

void reply_plain(uint64_t id, int error, const char *message)
{
    struct buffer reply;
    reply_begin(&reply, id, error, message);
    reply_send(&reply);
}

static void put_process(struct buffer *hello, const struct process *process)
{
    struct buffer record;
    buffer_init(&record, 256);
    put_integer(&record, TAG_PROCESS, process->lane.id);
    put_integer(&record, TAG_CONTAINER, process->container_id);
    put_integer(&record, TAG_STATE, process->state);
    put_integer(&record, TAG_PID, (uint64_t)process->pid);
    put_integer(&record, TAG_CODE, process->code);
    hello->failed |= record.failed;
    put_bytes(hello, TAG_PROCESS, record.bytes, record.length);
    buffer_free(&record);
}

static void on_hello(uint8_t *payload, size_t length)
{
    struct fields fields = fields_of(payload, length);
    struct field field;
    const uint8_t *nonce = NULL;
    uint64_t sequence = 0;
    int more;
    while ((more = fields_next(&fields, &field)) > 0) {
        if (field.tag == TAG_NONCE && field.length == NONCE)
            nonce = field.value;
        if (field.tag == TAG_SEQ && !field_integer(&field, &sequence))
            return;
    }
    if (more < 0 || !nonce)
        return;
    channel_greet(&channel);
    events_acknowledge(sequence);
    struct buffer hello;
    buffer_init(&hello, MESSAGE_MAX);
    put_bytes(&hello, TAG_NONCE, nonce, NONCE);
    put_integer(&hello, TAG_VERSION, PROTOCOL_VERSION);
    put_text(&hello, TAG_AGENT, AGENT_VERSION);
    put_integer(&hello, TAG_UPTIME, clock_uptime());
    put_integer(&hello, TAG_SEQ, events_newest());
    for (const struct process *process = processes; process; process = process->next)
        put_process(&hello, process);
    if (!hello.failed)
        control_send(KIND_HELLO, &hello);
    buffer_free(&hello);
    events_resend();
}

static void answer_ping(const struct request *request)
{
    struct buffer reply;
    reply_begin(&reply, request->id, 0, NULL);
    put_integer(&reply, TAG_UPTIME, clock_uptime());
    put_integer(&reply, TAG_CLOCK, clock_realtime());
    reply_send(&reply);
}

/* Small files of /proc and /sys, in the order of their names; what cannot be read is empty. */
static void answer_files(const struct request *request)
{
    struct buffer reply;
    reply_begin(&reply, request->id, 0, NULL);
    for (size_t i = 0; i < request->argument_count; i++) {
        size_t length = 0;
        char *bytes = file_bytes(request->arguments[i], READ_MOST, &length);
        put_bytes(&reply, TAG_CONTENT, bytes ? bytes : "", bytes ? length : 0);
        free(bytes);
    }
    if (reply.failed) {
        buffer_free(&reply);
        reply_plain(request->id, E2BIG, NULL);
        return;
    }
    reply_send(&reply);
}

static int act_on_process(const struct request *request)
{
    struct process *process = process_find(request->process);
    if (!process)
        return ESRCH;
    if (request->operation == OP_SIGNAL_PROCESS)
        return process_signal(process, request->signal, request->group);
    if (request->operation == OP_RESIZE)
        return process_resize(process, request->rows, request->columns);
    if (request->stream < 1 || request->stream > (uint64_t)process->lane.output_count)
        return EINVAL;
    output_end(&process->lane.outputs[request->stream - 1]);
    return 0;
}

static uint64_t peek_operation(uint8_t *payload, size_t length)
{
    struct fields fields = fields_of(payload, length);
    struct field field;
    uint64_t operation = 0;
    while (fields_next(&fields, &field) > 0)
        if (field.tag == TAG_OP && !field_integer(&field, &operation))
            return 0;
    return operation;
}

/* Answered when all containers' processes stand still, or go on. */
static int freeze(const struct request *request, char *why)
{
    (void)why;
    return cgroup_freeze(request->frozen);
}

/* For less memory the kernel may first have to write to disks. */
static int limit(const struct request *request, char *why)
{
    (void)why;
    int error = request->memory_max ? 0 : cgroup_limit_unasked(request->container, false);
    return error ? error : cgroup_limit(request->container, request);
}

static void on_request(uint8_t *payload, size_t length)
{
    struct request request;
    uint64_t operation = peek_operation(payload, length);
    if (operation != OP_SETUP)
        modules_load_rest();
    if (operation == OP_CREATE_CONTAINER) {
        container_create(payload, length); /* keeps its request, so it decodes a copy of its own */
        return;
    }
    struct message message = operation == OP_START_PROCESS && stage_waits() ? message_copy(payload, length) : (struct message){0};
    int error = request_decode(&request, payload, length);
    if (error) {
        reply_plain(request.id, error, NULL);
        request_free(&request);
        free(message.bytes);
        return;
    }
    char why[256] = "";
    switch (request.operation) {
    case OP_PING:
        answer_ping(&request);
        break;
    case OP_SETUP:
        error = guest_setup(&request, why, sizeof why);
        reply_plain(request.id, error, why);
        break;
    case OP_SET_CLOCK:
        reply_plain(request.id, clock_adjust(request.clock), NULL);
        break;
    case OP_DESTROY_CONTAINER:
        container_destroy(request.container, request.id);
        break;
    case OP_START_PROCESS:
        launch_process(&request, &message);
        break;
    case OP_SIGNAL_PROCESS:
    case OP_RESIZE:
    case OP_CLOSE_OUTPUT:
        reply_plain(request.id, act_on_process(&request), NULL);
        break;
    case OP_CONFIGURE_NIC:
        nic_configure(&request);
        break;
    case OP_REMOVE_NIC:
        error = nic_remove(&request, why, sizeof why);
        reply_plain(request.id, error, why);
        break;
    case OP_UPDATE_FILES:
        reply_plain(request.id, update_files(&request), NULL);
        break;
    case OP_SET_SERVICES:
        services_set(&request);
        break;
    case OP_LIMIT_CONTAINER:
        answer_by_job(&request, limit);
        break;
    case OP_FREEZE:
        answer_by_job(&request, freeze);
        break;
    case OP_READ_FILES:
        answer_files(&request);
        break;
    case OP_CLEAR_MEMORY:
        answer_by_job(&request, memory_clear);
        break;
    case OP_SHUTDOWN:
        reply_plain(request.id, 0, NULL);
        control_pump();
        power_off();
    default:
        reply_plain(request.id, ENOSYS, "the agent does not know this operation");
    }
    request_free(&request);
    free(message.bytes);
}

static void on_message(void *context, uint8_t kind, uint8_t *payload, size_t length)
{
    (void)context;
    if (kind == KIND_HELLO)
        on_hello(payload, length);
    else if (!channel.greeted)
        return;
    else if (kind == KIND_REQUEST)
        on_request(payload, length);
    else if (kind == KIND_EVENT_ACK) {
        struct fields fields = fields_of(payload, length);
        struct field field;
        uint64_t sequence;
        while (fields_next(&fields, &field) > 0)
            if (field.tag == TAG_SEQ && field_integer(&field, &sequence))
                events_acknowledge(sequence);
    }
}

bool control_open(void)
{
    return channel.name || channel_open(&channel, PORT, on_message);
}

void control_pump(void)
{
    if (channel.name)
        (void)channel_flush(&channel);
}
