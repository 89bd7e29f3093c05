#include "events.h"

#include "clock.h"
#include "control.h"
#include "fields.h"
#include "log.h"
#include "process.h"

#include <stdlib.h>

#define EVENT_EXIT 1
#define EVENT_BYTES 512

struct event {
    struct event *next;
    uint64_t sequence;
    uint32_t process;
    struct buffer payload;
};

static struct event *oldest;
static struct event **end = &oldest;
static uint64_t newest;

uint64_t events_newest(void)
{
    return newest;
}

void event_exit(struct process *process, int signal, bool oom)
{
    struct event *event = calloc(1, sizeof *event);
    if (!event)
        log_fatal("no memory for an event"); /* the host would wait for ever */
    event->sequence = ++newest;
    event->process = process->lane.id;
    buffer_init(&event->payload, EVENT_BYTES);
    put_integer(&event->payload, TAG_SEQ, event->sequence);
    put_integer(&event->payload, TAG_EVENT, EVENT_EXIT);
    put_integer(&event->payload, TAG_TIME, clock_realtime());
    put_integer(&event->payload, TAG_PROCESS, process->lane.id);
    put_integer(&event->payload, TAG_CONTAINER, process->container_id);
    put_integer(&event->payload, TAG_CODE, process->code);
    put_integer(&event->payload, TAG_SIGNAL, (uint64_t)signal);
    put_integer(&event->payload, TAG_OOM, oom);
    if (event->payload.failed)
        log_fatal("no memory for an event");
    *end = event;
    end = &event->next;
    control_send(KIND_EVENT, &event->payload);
}

void events_acknowledge(uint64_t sequence)
{
    while (oldest && oldest->sequence <= sequence) {
        struct event *event = oldest;
        oldest = event->next;
        if (!oldest)
            end = &oldest;
        struct process *process = process_find(event->process);
        if (process && process->state == PROCESS_EXITED) {
            process->exit_acknowledged = true;
            process_settle(process);
        }
        buffer_free(&event->payload);
        free(event);
    }
}

void events_resend(void)
{
    for (const struct event *event = oldest; event; event = event->next)
        control_send(KIND_EVENT, &event->payload);
}
