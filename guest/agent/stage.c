#include "stage.h"

#include "child.h"
#include "container.h"
#include "rootfs.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* What it is told: how long the CREATE_CONTAINER and the START_PROCESS are in the file, and which of its pipes are to be used. */
struct order {
    uint64_t create_length, start_length;
    bool stdio[3];
};

static const bool all[3] = {true, true, true};

/* Both messages, in a buffer that is never freed. */
static uint8_t *read_messages(int file, size_t length)
{
    uint8_t *bytes = malloc(length + 1);
    if (!bytes || pread(file, bytes, length, 0) != (ssize_t)length)
        _exit(1);
    return bytes;
}

static void await_order(int socket, struct order *order)
{
    ssize_t length;
    do
        length = recv(socket, order, sizeof *order, 0);
    while (length < 0 && errno == EINTR);
    if (length != (ssize_t)sizeof *order)
        _exit(0); /* the agent does not need it any more */
}

/* The child's copy of the container is from before its pod came. */
static _Noreturn void become(struct container *container, int root, const struct order *order)
{
    static struct request start;
    const struct pipes *pipes = &container->stage.pipes;
    struct launch launch = {.request = &start, .container = container, .init = true, .own_root = true, .report = pipes->their_report};
    for (int i = 0; i < 3; i++)
        launch.stdio[i] = order->stdio[i] ? pipes->theirs[i] : -1;
    uint8_t *bytes = read_messages(container->stage.messages, order->create_length + order->start_length);
    if (request_decode(&container->request, bytes, order->create_length) != 0 ||
        request_decode(&start, bytes + order->create_length, order->start_length) != 0)
        child_fail(&launch, FAILURE_OTHER, EINVAL, "the container's first process");
    rootfs_finish(&launch, root);
    child_become(&launch);
}

static _Noreturn void wait_for_order(struct container *container, int orders)
{
    const struct pipes *pipes = &container->stage.pipes;
    struct launch launch = {.container = container, .init = true, .own_root = true, .report = pipes->their_report, .stdio = {-1, -1, -1}};
    struct order order;
    /* The agent's ends of pipes and ports must not live on here. These have been opened in this order. */
    const int kept[] = {container->stage.messages, orders, pipes->their_report, pipes->theirs[0], pipes->theirs[1], pipes->theirs[2]};
    child_keep_only(&launch, kept, sizeof kept / sizeof *kept);
    child_begin(&launch);
    int root = rootfs_begin(&launch);
    await_order(orders, &order);
    become(container, root, &order);
}

/* The file of messages stays until the container goes: whoever closes it last takes it apart, which takes its time. */
static void stop_waiting(struct container *container)
{
    (void)close(container->stage.orders);
    container->stage.pid = 0;
}

static void close_messages(struct container *container)
{
    if (container->stage.messages >= 0)
        (void)close(container->stage.messages);
    container->stage.messages = -1;
}

void stage_begin(struct container *container)
{
    int orders[2];
    if (container->stage.pid > 0)
        return;
    close_messages(container);
    container->stage.messages = memfd_create("messages", MFD_CLOEXEC);
    if (container->stage.messages < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, orders) != 0)
        return;
    pid_t pid = pipes_open(&container->stage.pipes, all) == 0 ? child_clone_first(container->cgroup) : -1;
    if (pid == 0)
        wait_for_order(container, orders[1]);
    (void)close(orders[1]);
    container->stage.pid = pid;
    container->stage.orders = orders[0];
    pipes_give(&container->stage.pipes);
    if (pid < 0) {
        pipes_close(&container->stage.pipes);
        stop_waiting(container);
    } else {
        (void)container_open_namespaces(container, pid, NAMESPACES_BORN_WITH);
    }
}

static void forget(struct container *container)
{
    if (container->stage.pid == 0)
        return;
    pipes_close(&container->stage.pipes);
    container_close_namespaces(container);
    stop_waiting(container);
}

void stage_end(struct container *container)
{
    if (container->stage.pid > 0)
        (void)kill(container->stage.pid, SIGKILL);
    forget(container);
    close_messages(container);
}

/* What is mounted in the guest for the container after the process has begun to wait is not in its namespace. */
static bool has_later_mounts(const struct request *request)
{
    for (size_t i = 0; i < request->mount_count; i++)
        switch (request->mounts[i].kind) {
        case MOUNT_TMPFS: case MOUNT_FILE: case MOUNT_VOLUME: case MOUNT_SOCKET:
            break;
        default:
            return true;
        }
    return false;
}

bool stage_fits(const struct launch *launch)
{
    const struct container *container = launch->container;
    return container && launch->init && container->stage.pid > 0 && container->create.bytes && !has_later_mounts(&container->request);
}

pid_t stage_take(struct container *container, const struct message *start, const bool stdio[3], struct pipes *pipes)
{
    const struct message *create = &container->create;
    struct order order = {.create_length = create->length, .start_length = start->length, .stdio = {stdio[0], stdio[1], stdio[2]}};
    struct iovec parts[] = {{.iov_base = create->bytes, .iov_len = create->length}, {.iov_base = start->bytes, .iov_len = start->length}};
    if (writev(container->stage.messages, parts, 2) != (ssize_t)(create->length + start->length) ||
        send(container->stage.orders, &order, sizeof order, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof order) {
        stage_end(container);
        return -1;
    }
    pid_t pid = container->stage.pid;
    *pipes = container->stage.pipes;
    stop_waiting(container);
    return pid;
}

bool stage_waits(void)
{
    const struct container *container = containers;
    while (container && container->stage.pid == 0)
        container = container->next;
    return container;
}

void stage_lost(pid_t pid)
{
    for (struct container *container = containers; container; container = container->next)
        if (container->stage.pid == pid)
            forget(container);
}
