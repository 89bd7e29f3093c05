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

/* What it is told: the CREATE_CONTAINER and START_PROCESS, in one file, and where its output goes. */
struct order {
    uint64_t create_length, start_length;
    bool stdio[3];
};

enum { FD_MESSAGES, FD_REPORT, FD_STDIO, FD_COUNT = FD_STDIO + 3 };

union rights {
    char bytes[CMSG_SPACE(sizeof(int[FD_COUNT]))];
    struct cmsghdr align;
};

/* Both messages, in a buffer that is never freed. */
static uint8_t *read_messages(int file, size_t length)
{
    uint8_t *bytes = malloc(length + 1);
    if (!bytes || pread(file, bytes, length, 0) != (ssize_t)length)
        _exit(1);
    return bytes;
}

static void await_order(int socket, struct order *order, int fds[FD_COUNT])
{
    union rights rights;
    struct iovec part = {.iov_base = order, .iov_len = sizeof *order};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = sizeof rights.bytes};
    ssize_t length;
    do
        length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    const struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    if (length != (ssize_t)sizeof *order || !control || control->cmsg_type != SCM_RIGHTS)
        _exit(0); /* the agent does not need it any more */
    memcpy(fds, CMSG_DATA(control), control->cmsg_len - CMSG_LEN(0));
}

/* The child's copy of the container is from before its pod came. */
static _Noreturn void become(struct container *container, int root, const struct order *order, const int fds[FD_COUNT])
{
    static struct request start;
    struct launch launch = {.request = &start, .container = container, .init = true, .own_root = true, .report = fds[FD_REPORT]};
    for (int i = 0, next = FD_STDIO; i < 3; i++)
        launch.stdio[i] = order->stdio[i] ? fds[next++] : -1;
    uint8_t *bytes = read_messages(fds[FD_MESSAGES], order->create_length + order->start_length);
    if (request_decode(&container->request, bytes, order->create_length) != 0 ||
        request_decode(&start, bytes + order->create_length, order->start_length) != 0)
        child_fail(&launch, FAILURE_OTHER, EINVAL, "the container's first process");
    rootfs_finish(&launch, root);
    child_become(&launch);
}

static _Noreturn void wait_for_order(struct container *container, int socket)
{
    struct launch launch = {.container = container, .init = true, .own_root = true, .report = -1, .stdio = {-1, -1, -1}};
    struct order order;
    int fds[FD_COUNT];
    /* The agent's ends of pipes and ports must not live on here. */
    child_keep_only(&launch, &socket, 1);
    child_begin(&launch);
    int root = rootfs_begin(&launch);
    await_order(socket, &order, fds);
    (void)close(socket);
    become(container, root, &order, fds);
}

void stage_begin(struct container *container)
{
    int sockets[2];
    if (container->stage.pid > 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
        return;
    pid_t pid = child_clone_first(container->cgroup);
    if (pid == 0)
        wait_for_order(container, sockets[1]);
    (void)close(sockets[1]);
    if (pid < 0) {
        (void)close(sockets[0]);
        return;
    }
    container->stage.pid = pid;
    container->stage.socket = sockets[0];
}

static void forget(struct container *container)
{
    if (container->stage.pid > 0)
        (void)close(container->stage.socket);
    container->stage.pid = 0;
}

void stage_end(struct container *container)
{
    if (container->stage.pid > 0)
        (void)kill(container->stage.pid, SIGKILL);
    forget(container);
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

static int write_messages(const struct message *create, const struct message *start)
{
    int file = memfd_create("messages", MFD_CLOEXEC);
    struct iovec parts[] = {{.iov_base = create->bytes, .iov_len = create->length}, {.iov_base = start->bytes, .iov_len = start->length}};
    if (file >= 0 && writev(file, parts, 2) == (ssize_t)(create->length + start->length))
        return file;
    if (file >= 0)
        (void)close(file);
    return -1;
}

pid_t stage_take(const struct launch *launch, const struct message *start)
{
    struct container *container = container_find(launch->container->id);
    const struct message *create = &container->create;
    struct order order = {.create_length = create->length, .start_length = start->length};
    union rights rights = {0};
    int fds[FD_COUNT] = {write_messages(create, start), launch->report}, count = FD_STDIO;
    if (fds[FD_MESSAGES] < 0)
        return -1;
    for (int i = 0; i < 3; i++)
        if ((order.stdio[i] = launch->stdio[i] >= 0))
            fds[count++] = launch->stdio[i];
    struct iovec part = {.iov_base = &order, .iov_len = sizeof order};
    size_t size = (size_t)count * sizeof *fds;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = (socklen_t)CMSG_SPACE(size)};
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    *control = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = (socklen_t)CMSG_LEN(size)};
    memcpy(CMSG_DATA(control), fds, size);
    bool told = sendmsg(container->stage.socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof order;
    pid_t pid = told ? container->stage.pid : -1;
    (void)close(fds[FD_MESSAGES]);
    if (told)
        forget(container);
    else
        stage_end(container);
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
