#include "uevents.h"

#include "clock.h"

#include <linux/netlink.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_NS 10000000000ULL

/* The kernel tells of new devices on this socket; only that it does is read. */
static int open_uevents(void)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

bool uevents_await(bool (*attempt)(void *), void *argument)
{
    uint64_t deadline = clock_uptime() + WAIT_NS, now;
    int events = open_uevents();
    bool succeeded = false;
    while (events >= 0 && !(succeeded = attempt(argument)) && (now = clock_uptime()) < deadline) {
        char text[4096];
        struct pollfd wait = {.fd = events, .events = POLLIN};
        (void)poll(&wait, 1, (int)((deadline - now) / 1000000) + 1);
        while (recv(events, text, sizeof text, 0) > 0)
            continue;
    }
    if (events >= 0)
        (void)close(events);
    return succeeded;
}
