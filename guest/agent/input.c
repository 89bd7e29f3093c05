#include "input.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define CONTROL_D 4

static void on_pipe(struct watch *watch, uint32_t events)
{
    struct input *input = watch->owner;
    /* The last reader has closed. A socket that is shut down for reading alone is EPOLLRDHUP. */
    if (events & EPOLLERR || (input->socket && events & EPOLLHUP)) {
        input_close(input);
        return;
    }
    input->writable = true;
    input_drain(input);
}

int input_open(struct input *input, int fd)
{
    *input = (struct input){.watch = {.fd = -1, .ready = on_pipe, .owner = input}, .window = INPUT_WINDOW};
    if (!ring_open(&input->ring))
        return ENOMEM;
    return fd < 0 ? 0 : input_watch(input, fd);
}

int input_watch(struct input *input, int fd)
{
    input->writable = true;
    return loop_watch(&input->watch, fd, EPOLLOUT);
}

void input_close(struct input *input)
{
    if (input->socket && input->watch.fd >= 0)
        (void)shutdown(input->watch.fd, SHUT_WR);
    loop_close(&input->watch);
    ring_close(&input->ring);
    input->closed = true;
    input->eof_done = input->eof;
}

/* 1: go on, 0: the pipe is full, -1: nobody reads. */
static int write_pipe(struct input *input, const uint8_t *bytes, size_t length, size_t *written)
{
    ssize_t count = write(input->watch.fd, bytes, length);
    *written = count > 0 ? (size_t)count : 0;
    if (count >= 0 || errno == EINTR)
        return 1;
    if (errno != EAGAIN)
        return -1;
    input->writable = false;
    return 0;
}

static uint8_t end_character(const struct input *input)
{
    struct termios settings;
    return tcgetattr(input->watch.fd, &settings) == 0 && settings.c_cc[VEOF] ? settings.c_cc[VEOF] : CONTROL_D;
}

static void finish(struct input *input)
{
    uint8_t end = CONTROL_D;
    size_t written = 1;
    if (input->terminal) {
        end = end_character(input);
        int more = write_pipe(input, &end, 1, &written);
        if (more >= 0 && written == 0)
            return;
    }
    input_close(input);
}

void input_drain(struct input *input)
{
    while (input->watch.fd >= 0 && input->writable) {
        size_t length, written;
        const uint8_t *bytes = ring_at(&input->ring, input->ring.start, &length);
        if (length == 0)
            break;
        if (write_pipe(input, bytes, length, &written) < 0) {
            input_close(input);
            return;
        }
        ring_release(&input->ring, input->ring.start + written);
    }
    if (input->eof && !input->eof_done && input->watch.fd >= 0 && input->writable && input->ring.start == input->ring.end)
        finish(input);
}

void input_data(struct input *input, uint64_t offset, const uint8_t *bytes, size_t length)
{
    if (offset > input->ring.end || input->eof)
        return; /* a gap, or more after the end: a violation, and the host learns by what is acknowledged */
    uint64_t known = input->ring.end - offset;
    if (known >= length)
        return;
    bytes += known;
    length -= (size_t)known;
    if (input->closed) {
        input->ring.start = input->ring.end += length;
        return;
    }
    while (ring_space(&input->ring) < length && ring_grow_promised(&input->ring, input->window))
        continue;
    if (ring_space(&input->ring) < length) { /* no memory, or a host that ignores the window */
        input_close(input);
        return;
    }
    ring_write(&input->ring, bytes, length);
    input_drain(input);
}

void input_eof(struct input *input, uint64_t offset)
{
    if (offset != input->ring.end || input->eof)
        return;
    input->eof = true;
    if (input->closed)
        input->eof_done = true;
    else
        input_drain(input);
}

uint64_t input_taken(const struct input *input)
{
    return input->ring.start + (input->eof_done ? 1 : 0);
}
