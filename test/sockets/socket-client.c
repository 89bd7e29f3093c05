/* socket-client PATH: joins stdin and stdout with a unix socket. The end of stdin is passed on, the other way goes on.
 * socket-client PATH rude: sends stdin and leaves without reading. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0)
            return -1;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

int main(int count, char **arguments)
{
    static char bytes[65536], answer[65536];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (count < 2)
        return 2;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", arguments[1]);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return fail("connect");
    /* Reads on while the other end takes nothing, or two that write to each other would wait for ever. */
    ssize_t held = 0, sent = 0;
    int open_input = 1;
    for (;;) {
        int wants = sent < held;
        struct pollfd ready[2] = {{.fd = fd, .events = (short)(POLLIN | (wants ? POLLOUT : 0))}, {.fd = open_input && !wants ? 0 : -1, .events = POLLIN}};
        if (poll(ready, 2, -1) < 0)
            return fail("poll");
        if (ready[1].revents) {
            held = read(0, bytes, sizeof bytes);
            sent = 0;
            if (held <= 0) {
                open_input = 0;
                if (count > 2)
                    return 0;
                if (shutdown(fd, SHUT_WR) != 0)
                    return fail("shutdown");
            }
        }
        if (ready[0].revents & POLLOUT) {
            ssize_t length = send(fd, bytes + sent, (size_t)(held - sent), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (length < 0 && errno != EAGAIN)
                return fail("write");
            if (length > 0)
                sent += length;
        }
        if (ready[0].revents & ~POLLOUT) {
            ssize_t length = read(fd, answer, sizeof answer);
            if (length < 0)
                return fail("read");
            if (length == 0)
                return 0;
            if (write_all(1, answer, (size_t)length) != 0)
                return fail("output");
        }
    }
}
