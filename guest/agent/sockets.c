#include "sockets.h"

#include "container.h"
#include "lane.h"
#include "log.h"
#include "loop.h"
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define BACKLOG 128

struct listener {
    struct listener *next;
    struct watch watch;
    uint64_t container;
    size_t mount;
    bool waiting; /* somebody may wait to be accepted: there were too many */
    char name[];  /* what the host calls it */
};

struct connection {
    struct connection *next;
    struct lane lane;
};

static struct listener *listeners;
static struct connection *connections;
static size_t count;

void socket_path(uint64_t container, size_t mount, char *path, size_t size)
{
    (void)snprintf(path, size, "/run/sockets/%" PRIu64 "-%zu", container, mount);
}

static uint32_t next_number(void)
{
    static uint32_t last;
    do
        last = last < CONNECTION_FIRST ? CONNECTION_FIRST : last + 1;
    while (last < CONNECTION_FIRST || lane_find(last));
    return last;
}

static void drop(struct connection *connection)
{
    struct connection **link = &connections;
    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
    count--;
    lane_remove(&connection->lane);
    loop_free(connection);
}

/* Nothing more goes either way, and the host has all that came. A client that takes no more has not told the host so. */
static void settle(void *owner)
{
    struct connection *connection = owner;
    const struct input *input = &connection->lane.input;
    if (!connection->lane.outputs[0].eof_acknowledged || !input->closed || (input->eof_done && input->told != input_taken(input)))
        return;
    if (!input->eof_done)
        (void)streams_send(KIND_CLOSE, connection->lane.id, NULL, 0);
    drop(connection);
}

/* Takes both descriptors, of one socket. */
static int carry(struct connection *connection, int fd, int copy)
{
    struct lane *lane = &connection->lane;
    lane_add(lane, next_number(), connection, settle);
    lane->output_count = 1;
    connection->next = connections;
    connections = connection;
    count++;
    int error = output_open(&lane->outputs[0], fd);
    if (error == 0)
        error = input_open(&lane->input, copy);
    lane->input.socket = true;
    /* What is watched is the lane's to close. */
    if (lane->outputs[0].watch.fd < 0)
        (void)close(fd);
    if (lane->input.watch.fd < 0)
        (void)close(copy);
    return error;
}

static void open_connection(const struct listener *listener, int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    int copy = connection ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
    if (copy < 0) {
        (void)close(fd);
        free(connection);
        return;
    }
    if (carry(connection, fd, copy) != 0 || !streams_send(KIND_OPEN, connection->lane.id, listener->name, strlen(listener->name)))
        drop(connection);
}

static void accept_all(struct listener *listener)
{
    listener->waiting = false;
    for (;;) {
        if (count == CONNECTIONS_MAX) {
            listener->waiting = true; /* until one goes */
            return;
        }
        int fd = accept4(listener->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            open_connection(listener, fd);
        else if (errno != EINTR && errno != ECONNABORTED) {
            listener->waiting = errno != EAGAIN;
            return;
        }
    }
}

static void on_listener(struct watch *watch, uint32_t events)
{
    (void)events;
    accept_all(watch->owner);
}

static int listen_at(const struct mount *mount, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)unlink(path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && chown(path, (uid_t)mount->uid, (gid_t)mount->gid) == 0 &&
        chmod(path, (mode_t)mount->mode & 0777) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static int open_listener(const struct container *container, size_t number)
{
    const struct mount *mount = &container->request.mounts[number];
    char path[64];
    socket_path(container->id, number, path, sizeof path);
    size_t length = strlen(mount->source) + 1;
    struct listener *listener = calloc(1, sizeof *listener + length);
    if (!listener)
        return ENOMEM;
    memcpy(listener->name, mount->source, length);
    listener->watch = (struct watch){.fd = -1, .ready = on_listener, .owner = listener};
    listener->container = container->id;
    listener->mount = number;
    int fd = listen_at(mount, path);
    int error = fd < 0 ? errno : loop_watch(&listener->watch, fd, EPOLLIN);
    if (error) {
        if (fd >= 0)
            (void)close(fd);
        (void)unlink(path);
        free(listener);
        return error;
    }
    listener->next = listeners;
    listeners = listener;
    return 0;
}

int sockets_open(const struct container *container)
{
    for (size_t i = 0; i < container->request.mount_count; i++) {
        int error = container->request.mounts[i].kind == MOUNT_SOCKET ? open_listener(container, i) : 0;
        if (error) {
            sockets_close(container->id);
            return error;
        }
    }
    return 0;
}

void sockets_close(uint64_t container)
{
    for (struct listener **link = &listeners; *link;) {
        struct listener *listener = *link;
        if (listener->container != container) {
            link = &listener->next;
            continue;
        }
        char path[64];
        socket_path(container, listener->mount, path, sizeof path);
        (void)unlink(path);
        loop_close(&listener->watch);
        *link = listener->next;
        loop_free(listener);
    }
}

void connection_close(uint32_t id)
{
    for (struct connection *connection = connections; connection; connection = connection->next)
        if (connection->lane.id == id) {
            drop(connection);
            return;
        }
}

void connections_reset(void)
{
    while (connections)
        drop(connections);
}

void connections_settle(void)
{
    for (struct connection *connection = connections, *next; connection; connection = next) {
        next = connection->next;
        settle(connection);
    }
    for (struct listener *listener = listeners; listener && count < CONNECTIONS_MAX; listener = listener->next)
        if (listener->waiting)
            accept_all(listener);
}
