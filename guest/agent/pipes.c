#include "pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

static void drop(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static int open_pipe(int *ours, int *theirs, bool agent_reads)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    *ours = ends[agent_reads ? 0 : 1];
    *theirs = ends[agent_reads ? 1 : 0];
    if (agent_reads)
        (void)fcntl(*ours, F_SETPIPE_SZ, PIPE_BYTES);
    return fcntl(*ours, F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

int pipes_open(struct pipes *pipes, const bool wanted[3])
{
    int sockets[2];
    *pipes = (struct pipes){.ours = {-1, -1, -1}, .theirs = {-1, -1, -1}, .our_report = -1, .their_report = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
        return errno;
    pipes->our_report = sockets[0];
    pipes->their_report = sockets[1];
    int error = 0;
    for (int i = 0; error == 0 && i < 3; i++)
        if (wanted[i])
            error = open_pipe(&pipes->ours[i], &pipes->theirs[i], i > 0);
    if (error)
        pipes_close(pipes);
    return error;
}

void pipes_choose(struct pipes *pipes, const bool wanted[3])
{
    for (int i = 0; i < 3; i++)
        if (!wanted[i])
            drop(&pipes->ours[i]);
}

void pipes_close(struct pipes *pipes)
{
    for (int i = 0; i < 3; i++)
        drop(&pipes->ours[i]);
    drop(&pipes->our_report);
    pipes_give(pipes);
}

void pipes_give(struct pipes *pipes)
{
    for (int i = 0; i < 3; i++)
        drop(&pipes->theirs[i]);
    drop(&pipes->their_report);
}
