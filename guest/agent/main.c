/* hyperstart: PID 1 of the guest. What it does is said in docs/agent-protocol.md. */
#include "boot.h"
#include "cgroup.h"
#include "clock.h"
#include "control.h"
#include "heap.h"
#include "launch.h"
#include "log.h"
#include "loop.h"
#include "modules.h"
#include "process.h"
#include "ring.h"
#include "streams.h"
#include "version.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define RINGS_PART 8 /* of the memory */

static void trace(const char *step)
{
    if (getenv("HYPER_DEBUG"))
        log_line("%" PRIu64 " us: %s", clock_uptime() / 1000, step);
}

static void on_children(struct watch *watch, uint32_t events)
{
    struct signalfd_siginfo info;
    (void)events;
    while (read(watch->fd, &info, sizeof info) > 0)
        continue;
    processes_reap();
}

static void watch_children(void)
{
    static struct watch watch = {.fd = -1, .ready = on_children};
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGCHLD);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
        log_fatal("sigprocmask");
    int fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0 || (errno = loop_watch(&watch, fd, EPOLLIN)) != 0)
        log_fatal("signalfd");
}

/* Called while modules load: what the host sends from here on waits in the port. */
static void open_ports(void)
{
    (void)control_open();
    (void)streams_open();
}

/* The kernel finds ports after their driver is loaded, in its own time: long before, as a rule. */
static void wait_for_ports(void)
{
    for (int tries = 0; !control_open() || !streams_open(); tries++) {
        if (tries == 10000) {
            errno = ENODEV;
            log_fatal("the virtio ports");
        }
        (void)poll(NULL, 0, 1);
    }
}

static void limit_rings(void)
{
    struct sysinfo info;
    if (sysinfo(&info) == 0)
        rings_open((size_t)info.totalram * info.mem_unit / RINGS_PART);
}

int main(void)
{
    if (getpid() != 1) {
        log_line(AGENT_VERSION " runs only as PID 1 of a guest");
        return 2;
    }
    trace("PID 1 runs");
    (void)umask(022);
    heap_open();
    boot_mount();
    loop_open();
    watch_children();
    trace("file systems are mounted");
    modules_load_at_once(open_ports);
    trace("ports can be opened");
    cgroup_boot();
    launch_open();
    limit_rings();
    wait_for_ports();
    trace("ready");
    for (;;) {
        control_pump();
        streams_pump();
        bool waits = !modules_left();
        if (!loop_turn(waits) && !waits)
            modules_load_one();
    }
}
