#include "channel.h"

#include "log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PORTS "/sys/class/virtio-ports"
#define PAGE 4096
#define QUEUE_HIGH (1U << 20) /* the host does not read its answers: take no more requests */
#define QUEUE_MAX (8U << 20)

struct queued_frame {
    struct queued_frame *next;
    size_t length;
    uint8_t bytes[];
};

static void read_port(struct channel *channel)
{
    uint8_t bytes[PAGE]; /* the port's buffers are of this size: a larger read gets no more */
    while (!channel->paused) {
        ssize_t length = read(channel->watch.fd, bytes, sizeof bytes);
        if (length > 0) {
            frames_feed(&channel->reader, bytes, (size_t)length);
            continue;
        }
        if (length < 0 && errno == EINTR)
            continue;
        /* EAGAIN: no more for now. 0: no host is there, or it is and the driver has not heard of it yet: that news comes by
         * another queue than its bytes, and later, so a HELLO may be followed by a 0. Nothing is concluded from it. */
        return;
    }
}

static void on_port(struct watch *watch, uint32_t events)
{
    struct channel *channel = watch->owner;
    if (events & EPOLLOUT)
        channel->writable = true;
    read_port(channel);
}

static bool has_name(const char *port, const char *name)
{
    char path[128], text[64];
    (void)snprintf(path, sizeof path, PORTS "/%.32s/name", port);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, text, sizeof text - 1);
    (void)close(fd);
    if (length <= 0)
        return false;
    text[length] = 0;
    text[strcspn(text, "\n")] = 0;
    return strcmp(text, name) == 0;
}

static int open_port(const char *name)
{
    DIR *ports = opendir(PORTS);
    if (!ports)
        return -1;
    int fd = -1;
    for (const struct dirent *port; fd < 0 && (port = readdir(ports));) {
        if (port->d_name[0] == '.' || !has_name(port->d_name, name))
            continue;
        char path[64];
        (void)snprintf(path, sizeof path, "/dev/%.32s", port->d_name);
        fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    }
    (void)closedir(ports);
    return fd;
}

bool channel_open(struct channel *channel, const char *name, message_handler *handler)
{
    int fd = open_port(name);
    if (fd < 0)
        return false;
    *channel = (struct channel){.watch = {.fd = -1, .ready = on_port, .owner = channel}, .name = name, .writable = true};
    frames_init(&channel->reader, handler, channel);
    errno = loop_watch(&channel->watch, fd, EPOLLIN | EPOLLOUT);
    if (errno)
        log_fatal("cannot watch port %s", name);
    return true;
}

static void drop_first(struct channel *channel)
{
    struct queued_frame *frame = channel->first;
    channel->first = frame->next;
    if (!channel->first)
        channel->last = NULL;
    channel->queued -= frame->length;
    free(frame);
}

void channel_greet(struct channel *channel)
{
    while (channel->first)
        drop_first(channel);
    channel->greeted = true;
}

static bool queue_frame(struct channel *channel, uint8_t kind, const uint8_t *payload, size_t length)
{
    struct queued_frame *frame = channel->queued < QUEUE_MAX ? malloc(sizeof *frame + FRAME_OVERHEAD + length) : NULL;
    if (!frame)
        return false;
    frame->next = NULL;
    frame->length = FRAME_OVERHEAD + length;
    frame_begin(frame->bytes, kind, length);
    if (length)
        memcpy(frame->bytes + FRAME_HEADER, payload, length);
    frame->bytes[FRAME_HEADER + length] = FRAME_END;
    if (channel->last)
        channel->last->next = frame;
    else
        channel->first = frame;
    channel->last = frame;
    channel->queued += frame->length;
    channel->paused = channel->queued > QUEUE_HIGH;
    return true;
}

void channel_send(struct channel *channel, uint8_t kind, const void *payload, size_t length)
{
    const uint8_t *at = payload;
    while (channel->greeted) {
        size_t part = length > FRAME_PAYLOAD_MAX ? FRAME_PAYLOAD_MAX : length;
        uint8_t more = part < length ? FRAME_MORE : 0;
        if (!queue_frame(channel, kind | more, at, part)) {
            /* A hole in what the host reads is worse than silence: after it the host says HELLO again. */
            log_line("%s: no memory for a frame", channel->name);
            channel->greeted = false;
            return;
        }
        at += part;
        length -= part;
        if (!more)
            return;
    }
}

bool channel_write(struct channel *channel, const uint8_t *frame, size_t length)
{
    for (;;) {
        ssize_t written = write(channel->watch.fd, frame, length);
        if (written == (ssize_t)length)
            return true;
        if (written < 0 && errno == EINTR)
            continue;
        if (written >= 0 || errno != EAGAIN) {
            /* The driver takes 32 KiB whole or nothing, so this does not happen; only a new HELLO can mend it. */
            log_line("%s: a write was cut", channel->name);
            channel->greeted = false;
        }
        channel->writable = false;
        return false;
    }
}

bool channel_flush(struct channel *channel)
{
    while (channel->writable && channel->first && channel_write(channel, channel->first->bytes, channel->first->length))
        drop_first(channel);
    if (channel->paused && channel->queued <= QUEUE_HIGH) {
        channel->paused = false;
        read_port(channel);
    }
    return channel->writable && !channel->first;
}
