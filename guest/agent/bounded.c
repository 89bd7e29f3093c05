#include "bounded.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int bounded_run(int (*work)(void *), void *argument, int milliseconds)
{
    pid_t pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0)
        _exit(work(argument)); /* every errno fits */
    int status = 0, fd = (int)syscall(SYS_pidfd_open, pid, 0U);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int ready = fd < 0 ? -1 : poll(&wait, 1, milliseconds);
    if (fd >= 0)
        (void)close(fd);
    if (ready <= 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, WNOHANG); /* else PID 1 reaps it */
        return ETIMEDOUT;
    }
    if (waitpid(pid, &status, 0) != pid)
        return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}
