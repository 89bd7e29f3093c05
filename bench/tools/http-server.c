/* A small HTTP server with keep-alive: it answers every request on port 80 with the same 1 KiB. One epoll loop. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY 1024
#define EVENTS 64

static char answer[BODY + 256];
static size_t answer_size;

static void make_answer(void)
{
	int head = snprintf(answer, sizeof answer - BODY,
			    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n", BODY);
	memset(answer + head, 'x', BODY);
	answer_size = (size_t)head + BODY;
}

/* Requests are small and come whole; what does not, or asks for the end, ends the connection. */
static bool serve(int connection)
{
	char request[4096];
	ssize_t size = read(connection, request, sizeof request - 1);
	if (size <= 0)
		return false;
	request[size] = 0;
	if (!strstr(request, "\r\n\r\n") || write(connection, answer, answer_size) != (ssize_t)answer_size)
		return false;
	return !strstr(request, "Connection: close");
}

static int watch(int loop, int descriptor)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
	return epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &event);
}

static void accept_one(int loop, int listener)
{
	int on = 1, connection = accept(listener, NULL, NULL);
	if (connection < 0)
		return;
	if (setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 || watch(loop, connection) != 0)
		close(connection);
}

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
	int on = 1, loop = epoll_create1(0), listener = socket(AF_INET, SOCK_STREAM, 0);
	make_answer();
	if (loop < 0 || listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 128) != 0 || watch(loop, listener) != 0) {
		perror("http-server");
		return 1;
	}
	/* Whoever started it goes on once it listens. */
	if (daemon(0, 0) != 0)
		return 1;
	for (;;) {
		struct epoll_event events[EVENTS];
		int count = epoll_wait(loop, events, EVENTS, -1);
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listener)
				accept_one(loop, listener);
			else if (!serve(events[i].data.fd))
				close(events[i].data.fd);
		}
	}
}
