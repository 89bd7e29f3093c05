#include "cgroup.h"

#include "devices.h"
#include "files.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"
/* All containers of the pod. */
#define POD ROOT "/pod"
#define PATH_SIZE 96
#define CONTROLLERS "+cpu +memory +pids +io"
/* For what must happen, and may not where a process is stuck. */
#define WAIT_SECONDS 20
#define MEMORY_KEPT (8ULL << 20)

static int guest = -1;

static void container_file(uint64_t container, const char *name, char path[PATH_SIZE])
{
    (void)snprintf(path, PATH_SIZE, POD "/container-%" PRIu64 "%s%s", container, *name ? "/" : "", name);
}

void cgroup_boot(void)
{
    if (mkdir(ROOT "/agent", 0755) != 0 || mkdir(ROOT "/guest", 0755) != 0 || mkdir(POD, 0755) != 0)
        log_fatal("cgroups");
    errno = file_write_text(ROOT "/agent/cgroup.procs", "0");
    if (errno == 0)
        errno = file_write_text(ROOT "/cgroup.subtree_control", CONTROLLERS);
    if (errno == 0)
        errno = file_write_text(POD "/cgroup.subtree_control", CONTROLLERS);
    if (errno)
        log_fatal("cgroup controllers");
    guest = open(ROOT "/guest", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (guest < 0)
        log_fatal("cgroup");
}

int cgroup_guest(void)
{
    return guest;
}

/* The number after `name` at the start of a line, and blanks. */
static uint64_t find_count(char *text, const char *name)
{
    char *rest = text;
    uint64_t count = 0;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ' ')
            count = strtoull(line + strlen(name) + 1, NULL, 10);
    return count;
}

static uint64_t read_count(const char *path, const char *name)
{
    char *text = file_text(path, 4096);
    uint64_t count = find_count(text, name);
    free(text);
    return count;
}

static int write_number(const char *path, uint64_t number)
{
    char text[32];
    (void)snprintf(text, sizeof text, number == UNLIMITED ? "max" : "%" PRIu64, number);
    return file_write_text(path, text);
}

static int set_number(uint64_t container, const char *name, uint64_t number)
{
    char path[PATH_SIZE];
    if (number == 0)
        return 0;
    container_file(container, name, path);
    return write_number(path, number);
}

/*
 * What all containers may have together: what the guest has left before the first one, but for what the agent and the
 * kernel may still come to need. So memory runs out in a container, which is told of it, and not in the guest.
 */
static int limit_pod(void)
{
    uint64_t available = read_count("/proc/meminfo", "MemAvailable:") << 10;
    return write_number(POD "/memory.max", available > 2 * MEMORY_KEPT ? available - MEMORY_KEPT : UNLIMITED);
}

/* What a container may have when nobody says. It is told so, for many a program reads there how large it may become. */
static int limit_as_pod(uint64_t container)
{
    char path[PATH_SIZE];
    char *most = file_text(POD "/memory.max", 64);
    container_file(container, "memory.max", path);
    int error = most ? file_write_text(path, most) : errno;
    free(most);
    return error;
}

int cgroup_make(uint64_t container)
{
    char path[PATH_SIZE];
    container_file(container, "", path);
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return errno;
    int fd = cgroup_open(container);
    if (fd < 0)
        return errno;
    int error = devices_restrict(fd);
    (void)close(fd);
    return error;
}

int cgroup_limit_unasked(uint64_t container, bool alone)
{
    int error = alone ? limit_pod() : 0;
    return error ? error : limit_as_pod(container);
}

int cgroup_limit(uint64_t container, const struct request *request)
{
    char path[PATH_SIZE];
    int error = set_number(container, "pids.max", request->pids_max);
    if (error == 0)
        error = set_number(container, "memory.max", request->memory_max);
    if (error || !request->cpu_max || !*request->cpu_max)
        return error;
    container_file(container, "cpu.max", path);
    return file_write_text(path, request->cpu_max);
}

int cgroup_open(uint64_t container)
{
    char path[PATH_SIZE];
    container_file(container, "", path);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int cgroup_watch_memory(uint64_t container, struct oom_count *count)
{
    char path[PATH_SIZE];
    container_file(container, "memory.events", path);
    count->events = open(path, O_RDONLY | O_CLOEXEC);
    return count->events < 0 ? errno : 0;
}

/* Opening and reading the file takes a millisecond under emulation; asking whether it has changed, some microseconds. */
uint64_t cgroup_oom_kills(struct oom_count *count, bool surely)
{
    struct pollfd changed = {.fd = count->events, .events = POLLPRI};
    char text[512];
    if (!surely && poll(&changed, 1, 0) == 0)
        return count->kills;
    ssize_t length = pread(count->events, text, sizeof text - 1, 0);
    if (length > 0) {
        text[length] = 0;
        count->kills = find_count(text, "oom_kill");
    }
    return count->kills;
}

/* Until a cgroup's events say this; a process that is stuck in the kernel hears of neither. They are read through the watched descriptor, so that a change between reading and waiting wakes. */
static int await_event(const char *path, const char *event)
{
    int events = open(path, O_RDONLY | O_CLOEXEC);
    if (events < 0)
        return errno;
    char text[128];
    ssize_t length;
    int error = 0;
    for (int waited = 0; error == 0 && (length = pread(events, text, sizeof text - 1, 0)) > 0; waited++) {
        text[length] = 0;
        if (strstr(text, event))
            break;
        struct pollfd wait = {.fd = events, .events = POLLPRI};
        if (poll(&wait, 1, 1000) == 0 && waited >= WAIT_SECONDS)
            error = ETIMEDOUT;
    }
    (void)close(events);
    return error;
}

int cgroup_kill(uint64_t container)
{
    char path[PATH_SIZE];
    container_file(container, "cgroup.kill", path);
    int error = file_write_text(path, "1");
    if (error)
        return error == ENOENT ? 0 : error;
    container_file(container, "cgroup.events", path);
    return await_event(path, "populated 0");
}

int cgroup_freeze(bool frozen)
{
    int error = file_write_text(POD "/cgroup.freeze", frozen ? "1" : "0");
    return error ? error : await_event(POD "/cgroup.events", frozen ? "frozen 1" : "frozen 0");
}

void cgroup_remove(uint64_t container)
{
    char path[PATH_SIZE];
    container_file(container, "", path);
    if (rmdir(path) != 0 && errno != ENOENT)
        log_line("cannot remove %s: %s", path, strerror(errno));
}
