#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

/* What is still on its way inside a terminal is not counted by FIONREAD, so a little more is read. */
#define TERMINAL_SLACK (128U << 10)

static void on_pipe(struct watch *watch, uint32_t events)
{
    struct output *output = watch->owner;
    (void)events;
    output->readable = true;
    output_fill(output);
}

int output_open(struct output *output, int fd)
{
    *output = (struct output){.watch = {.fd = -1, .ready = on_pipe, .owner = output}};
    if (!ring_open(&output->ring))
        return ENOMEM;
    return fd < 0 ? 0 : output_watch(output, fd);
}

int output_watch(struct output *output, int fd)
{
    return loop_watch(&output->watch, fd, EPOLLIN);
}

void output_close(struct output *output)
{
    loop_close(&output->watch);
    ring_close(&output->ring);
}

void output_end(struct output *output)
{
    loop_close(&output->watch);
    output->readable = false;
    output->ended = true;
}

/* 1: more may follow, 0: empty for now, -1: the end. */
static int read_pipe(struct output *output)
{
    struct iovec room[2];
    int parts = ring_room(&output->ring, room);
    ssize_t length = readv(output->watch.fd, room, parts);
    if (length > 0) {
        ring_filled(&output->ring, (size_t)length);
        return 1;
    }
    if (length < 0 && errno == EINTR)
        return 1;
    return length < 0 && errno == EAGAIN ? 0 : -1; /* EIO: the terminal hung up */
}

void output_fill(struct output *output)
{
    while (output->watch.fd >= 0 && output->readable) {
        if (output->draining && output->ring.end >= output->last) {
            output_end(output);
            return;
        }
        if (ring_space(&output->ring) == 0 && !ring_grow(&output->ring, OUTPUT_WINDOW))
            return; /* goes on when the host has acknowledged */
        int more = read_pipe(output);
        if (more == 0)
            output->readable = false;
        if (more < 0 || (more == 0 && output->draining)) {
            output_end(output);
            return;
        }
    }
}

void output_drain(struct output *output)
{
    if (output->ended || output->draining)
        return;
    if (output->watch.fd < 0) {
        output->ended = true;
        return;
    }
    int waiting = 0;
    if (ioctl(output->watch.fd, FIONREAD, &waiting) != 0 || waiting < 0)
        waiting = 0;
    /* Another process may hold the pipe and write on for ever: what it writes from now on is not waited for. */
    output->last = output->ring.end + (uint64_t)waiting;
    if (isatty(output->watch.fd))
        output->last += TERMINAL_SLACK;
    output->draining = true;
    output->readable = true;
    output_fill(output);
}

void output_acknowledge(struct output *output, uint64_t offset)
{
    if (offset > output->ring.end + (output->ended ? 1 : 0))
        return; /* never sent: a confused host */
    if (output->ended && offset == output->ring.end + 1)
        output->eof_acknowledged = true;
    ring_release(&output->ring, offset);
    if (output->sent < output->ring.start)
        output->sent = output->ring.start;
    output_fill(output);
    if (rings_scarce() && !output->readable)
        ring_shrink(&output->ring);
}

void output_resend(struct output *output)
{
    output->sent = output->ring.start;
    output->eof_sent = output->eof_acknowledged;
}
