#include "nfs.h"

#include "bounded.h"
#include "disks.h"
#include "files.h"
#include "log.h"
#include "modules.h"
#include "mounts.h"
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MS 10000
#define MOUNT_MS 30000
#define FLUSH_MS 3000
#define ADDRESS_SIZE 64
#define DATA_SIZE 1400
#define NFS_PORT "2049"
#define RPCBIND_PORT "111"
#define UNIQUE_ID "/sys/module/nfs/parameters/nfs4_unique_id"

/* Those of which the server has one or the other. */
static const char *const versions[] = {"4.2", "4.1", "4.0"};

struct attempt {
    const char *source, *path;
    unsigned long flags;
    char data[DATA_SIZE];
};

void nfs_path(const struct mount *mount, char *path, size_t size)
{
    disk_path(DISK_VOLUME, mount->name, path, size);
}

/* The value of an option of the text, as of mount(8). */
static bool option_value(const char *options, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);
    for (const char *at = options; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            return (size_t)snprintf(value, size, "%.*s", (int)strcspn(at + length + 1, ","), at + length + 1) < size;
    }
    return false;
}

/* Connects, and learns by which of its addresses this guest reaches the server. */
static int reach(const struct addrinfo *server, char own[ADDRESS_SIZE])
{
    struct sockaddr_storage local = {0};
    socklen_t length = sizeof local;
    int error = 0, fd = socket(server->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    if (connect(fd, server->ai_addr, server->ai_addrlen) != 0)
        error = errno;
    if (error == EINPROGRESS) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        socklen_t size = sizeof error;
        if (poll(&wait, 1, ANSWER_MS) == 0)
            error = ETIMEDOUT;
        else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            error = errno;
    }
    if (error == 0 && getsockname(fd, (struct sockaddr *)&local, &length) != 0)
        error = errno;
    if (error == 0 && getnameinfo((struct sockaddr *)&local, length, own, ADDRESS_SIZE, NULL, 0, NI_NUMERICHOST) != 0)
        error = EAFNOSUPPORT;
    (void)close(fd);
    return error;
}

static int ask_server(const char *options, bool version3, char own[ADDRESS_SIZE], char *why, size_t why_size)
{
    char address[ADDRESS_SIZE], port[16];
    struct addrinfo *server = NULL, hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    if (!option_value(options, "port", port, sizeof port))
        (void)snprintf(port, sizeof port, "%s", version3 ? RPCBIND_PORT : NFS_PORT);
    if (!option_value(options, "addr", address, sizeof address) || getaddrinfo(address, port, &hints, &server) != 0) {
        (void)snprintf(why, why_size, "an NFS mount needs the server's address: addr=");
        return EINVAL;
    }
    int error = reach(server, own);
    freeaddrinfo(server);
    if (error)
        (void)snprintf(why, why_size, "the NFS server %s does not answer on port %s: %s", address, port, strerror(error));
    return error;
}

/* A server takes clients of one name for one and the same, and hostnames of pods may be alike. */
static void name_client(void)
{
    uint8_t random[16];
    char name[2 * sizeof random + 1];
    char *known = file_text(UNIQUE_ID, 256);
    bool named = known && *known && *known != '\n';
    free(known);
    if (named || getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return;
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(name + 2 * i, 3, "%02x", random[i]);
    int error = file_write_text(UNIQUE_ID, name);
    if (error)
        log_line("the NFS client has no name of its own: %s", strerror(error));
}

static int try_mount(void *argument)
{
    const struct attempt *attempt = argument;
    return mounts_add(attempt->source, attempt->path, "nfs", attempt->flags, attempt->data);
}

static const char *hint(int error)
{
    switch (error) {
    case ENOENT: return " (the server has no such path)";
    case EACCES: case EPERM: return " (the server lets nobody of this address have it)";
    case EPROTONOSUPPORT: return " (the server speaks another version: nfsvers=3?)";
    case EINVAL: return " (an option that the guest's kernel does not know?)";
    case ETIMEDOUT: return " (the server does not answer)";
    default: return "";
    }
}

int nfs_mount(const struct mount *mount, char *why, size_t why_size)
{
    char path[128], own[ADDRESS_SIZE], version[16];
    struct mount_options options = {.flags = mount->readonly ? MS_RDONLY : 0};
    nfs_path(mount, path, sizeof path);
    if (mounts_have(path))
        return 0;
    if (!options_parse(&options, mount->options))
        return E2BIG;
    bool given = option_value(options.data, "vers", version, sizeof version);
    bool version3 = given && version[0] == '3';
    int error = ask_server(options.data, version3, own, why, why_size);
    if (error == 0)
        error = modules_load_file_system("nfs", why, why_size);
    if (error)
        return error;
    name_client();
    struct attempt attempt = {.source = mount->source, .path = path, .flags = options.flags};
    for (size_t i = 0; i < (given ? 1 : sizeof versions / sizeof *versions); i++) {
        const char *more = given ? "" : versions[i];
        (void)snprintf(attempt.data, sizeof attempt.data, "%s%s%s%s%s", options.data, version3 ? "" : ",clientaddr=",
                       version3 ? "" : own, given ? "" : ",vers=", more);
        error = bounded_run(try_mount, &attempt, MOUNT_MS);
        if (error != EPROTONOSUPPORT)
            break;
    }
    if (error)
        (void)snprintf(why, why_size, "cannot mount %.100s by NFS: %.60s%s", mount->source, strerror(error), hint(error));
    return error;
}

static int unmount(void *path)
{
    return umount2(path, 0) == 0 ? 0 : errno;
}

void nfs_release(const struct mount *mount)
{
    char path[128];
    nfs_path(mount, path, sizeof path);
    if (!mounts_have(path))
        return;
    int error = bounded_run(unmount, path, FLUSH_MS);
    if (error == 0)
        return;
    log_line("an NFS server is left with something unwritten: %s", strerror(error));
    if (umount2(path, MNT_FORCE | MNT_DETACH) != 0)
        log_line("cannot unmount %s: %s", path, strerror(errno));
}
