#include "job.h"

#include "loop.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct result {
    int32_t error;
    char why[256];
};

struct job {
    void *unused; /* loop_free links here */
    struct watch watch;
    job_done *done;
    void *argument;
};

static void on_result(struct watch *watch, uint32_t events)
{
    struct job *job = watch->owner;
    struct result result = {0};
    (void)events;
    ssize_t length = recv(watch->fd, &result, sizeof result, MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length != (ssize_t)sizeof result)
        result = (struct result){.error = EIO, .why = "the helper died"};
    result.why[sizeof result.why - 1] = 0;
    loop_close(&job->watch);
    job->done(job->argument, result.error, result.why);
    loop_free(job);
}

static _Noreturn void run(job_work *work, void *argument, int socket)
{
    struct result result = {0};
    /* The agent's ends of pipes must not live on here: a process would not see their end. */
    if (dup2(socket, 3) != 3 || syscall(SYS_close_range, 4U, ~0U, 0U) != 0)
        _exit(1);
    result.error = work(argument, result.why);
    _exit(send(3, &result, sizeof result, MSG_NOSIGNAL) == (ssize_t)sizeof result ? 0 : 1);
}

int job_start(job_work *work, job_done *done, void *argument)
{
    int sockets[2];
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return ENOMEM;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
        int error = errno;
        free(job);
        return error;
    }
    *job = (struct job){.watch = {.fd = -1, .ready = on_result, .owner = job}, .done = done, .argument = argument};
    int error = loop_watch(&job->watch, sockets[0], EPOLLIN);
    pid_t pid = error ? -1 : fork();
    if (pid == 0)
        run(work, argument, sockets[1]);
    if (pid < 0 && error == 0)
        error = errno;
    (void)close(sockets[1]);
    if (error == 0)
        return 0;
    loop_close(&job->watch);
    free(job);
    return error;
}
