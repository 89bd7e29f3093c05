#include "terminal.h"

#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static void give_to_agent(const struct launch *launch, int terminal)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct launch_report report = {.kind = REPORT_TERMINAL};
    struct iovec part = {.iov_base = &report, .iov_len = sizeof report};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof terminal);
    memcpy(CMSG_DATA(header), &terminal, sizeof terminal);
    if (sendmsg(launch->report, &message, MSG_NOSIGNAL) < 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot pass the terminal");
}

/* The container's /dev/console is its first process's terminal. */
static void make_console(const struct launch *launch, int terminal)
{
    unsigned int number;
    char path[32];
    if (ioctl(terminal, (int)TIOCGPTN, &number) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "the terminal has no number");
    (void)snprintf(path, sizeof path, "/dev/pts/%u", number);
    if (mount(path, "/dev/console", NULL, MS_BIND, NULL) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "/dev/console");
}

void terminal_open(const struct launch *launch)
{
    const struct request *request = launch->request;
    int unlock = 0;
    int terminal = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0 || ioctl(terminal, (int)TIOCSPTLCK, &unlock) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot open a terminal");
    int slave = ioctl(terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot open the terminal's other end");
    struct winsize size = {.ws_row = (unsigned short)request->rows, .ws_col = (unsigned short)request->columns};
    if (ioctl(terminal, TIOCSWINSZ, &size) != 0 || ioctl(slave, TIOCSCTTY, 0) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot take the terminal");
    for (int fd = 0; fd < 3; fd++)
        if (dup2(slave, fd) != fd)
            child_fail(launch, FAILURE_OTHER, errno, "cannot use the terminal");
    if (launch->init)
        make_console(launch, terminal);
    give_to_agent(launch, terminal);
    (void)close(terminal);
}
