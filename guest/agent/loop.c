#include "loop.h"

#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 64

struct grave {
    struct grave *next;
};

#define LATER_MAX 16

static int epoll = -1;
static struct grave *graves;
static int later[LATER_MAX];
static size_t later_count;

void loop_open(void)
{
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        log_fatal("epoll_create1");
}

int loop_watch(struct watch *watch, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events | EPOLLET, .data.ptr = watch};
    watch->fd = fd;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

void loop_close(struct watch *watch)
{
    if (watch->fd < 0)
        return;
    /* Not only close: a forked child may still hold the description for a moment. */
    (void)epoll_ctl(epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    (void)close(watch->fd);
    watch->fd = -1;
}

void loop_free(void *memory)
{
    struct grave *grave = memory;
    grave->next = graves;
    graves = grave;
}

void loop_close_later(int fd)
{
    if (later_count < LATER_MAX)
        later[later_count++] = fd;
    else
        (void)close(fd);
}

void loop_close_due(void)
{
    while (later_count > 0)
        (void)close(later[--later_count]);
}

bool loop_turn(bool waits)
{
    struct epoll_event events[BATCH];
    loop_close_due();
    int count = epoll_wait(epoll, events, BATCH, waits ? -1 : 0);
    if (count < 0 && errno != EINTR)
        log_fatal("epoll_wait");
    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].data.ptr;
        if (watch->fd >= 0)
            watch->ready(watch, events[i].events);
    }
    while (graves) {
        struct grave *next = graves->next;
        free(graves);
        graves = next;
    }
    return count > 0;
}
