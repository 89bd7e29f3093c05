#include "launch.h"

#include "cgroup.h"
#include "child.h"
#include "container.h"
#include "control.h"
#include "fields.h"
#include "log.h"
#include "network.h"
#include "stage.h"
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int own_pid_namespace = -1;

void launch_open(void)
{
    own_pid_namespace = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    if (own_pid_namespace < 0)
        log_fatal("/proc/self/ns/pid");
}

static void refuse(uint64_t id, int error, enum failure failure, const char *text)
{
    struct buffer reply;
    reply_begin(&reply, id, error, text);
    put_integer(&reply, TAG_FAILURE, failure);
    reply_send(&reply);
}

static void answer_started(uint64_t id, const struct process *process)
{
    struct buffer reply;
    reply_begin(&reply, id, 0, NULL);
    put_integer(&reply, TAG_PID, (uint64_t)process->pid);
    reply_send(&reply);
}

static void started(struct process *process)
{
    loop_close(&process->launch);
    process->state = PROCESS_RUNNING;
    answer_started(process->start_request, process);
    if (process->reaped)
        process_exited(process);
}

static void failed(struct process *process, const struct launch_report *report)
{
    refuse(process->start_request, report->error ? report->error : EINVAL, (enum failure)report->failure, report->text);
    process_remove(process);
}

static void take_terminal(struct process *process, int terminal)
{
    int copy = fcntl(terminal, F_DUPFD_CLOEXEC, 3);
    int flags = fcntl(terminal, F_GETFL);
    if (copy < 0 || flags < 0 || fcntl(terminal, F_SETFL, flags | O_NONBLOCK) != 0 || output_watch(&process->lane.outputs[0], terminal) != 0 ||
        input_watch(&process->lane.input, copy) != 0)
        log_line("process %u: the terminal cannot be watched", process->lane.id);
    input_drain(&process->lane.input);
}

static int received_descriptor(struct msghdr *message)
{
    int fd = -1;
    const struct cmsghdr *control = CMSG_FIRSTHDR(message);
    if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(control), sizeof fd);
    return fd;
}

static void on_report(struct watch *watch, uint32_t events)
{
    struct process *process = watch->owner;
    (void)events;
    for (;;) {
        union {
            char bytes[CMSG_SPACE(sizeof(int))];
            struct cmsghdr align;
        } control;
        struct launch_report report = {0};
        struct iovec part = {.iov_base = &report, .iov_len = sizeof report};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
        ssize_t length = recvmsg(watch->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0 && errno == EAGAIN)
            return;
        if (length == (ssize_t)sizeof report && report.kind == REPORT_TERMINAL) {
            int terminal = received_descriptor(&message);
            if (terminal >= 0)
                take_terminal(process, terminal);
            continue;
        }
        report.text[sizeof report.text - 1] = 0;
        if (length == (ssize_t)sizeof report)
            failed(process, &report);
        else
            started(process);
        return;
    }
}

void launch_settle(struct process *process)
{
    on_report(&process->launch, 0);
}

/* The agent's ends are watched from here on, and closed with what they carry. */
static int watch_pipes(struct process *process, const struct request *request, struct pipes *pipes)
{
    struct lane *lane = &process->lane;
    int error = 0;
    if (request->task && pipes->ours[0] >= 0)
        (void)fcntl(pipes->ours[0], F_SETPIPE_SZ, PIPE_BYTES);
    if (request->takes_stdin || request->tty)
        error = input_open(&lane->input, pipes->ours[0]);
    else
        lane->input.closed = true;
    lane->input.terminal = request->tty;
    if (request->task)
        lane->input.window = TASK_WINDOW;
    for (int i = 0; error == 0 && i < lane->output_count; i++)
        error = output_open(&lane->outputs[i], pipes->ours[i + 1]);
    process->launch = (struct watch){.fd = -1, .ready = on_report, .owner = process};
    if (error == 0)
        error = loop_watch(&process->launch, pipes->our_report, EPOLLIN);
    const struct watch *watched[] = {&lane->input.watch, &lane->outputs[0].watch, &lane->outputs[1].watch};
    for (int i = 0; i < 3; i++)
        if (watched[i]->fd >= 0)
            pipes->ours[i] = -1;
    if (process->launch.fd >= 0)
        pipes->our_report = -1;
    return error;
}

static pid_t clone_child(const struct launch *launch)
{
    if (!launch->container)
        return child_clone(0, cgroup_guest());
    int cgroup = launch->container->cgroup;
    if (launch->own_root)
        return child_clone_first(cgroup);
    /* A task is none of the container's processes: they cannot see it, nor does it end with them. */
    if (launch->request->task)
        return child_clone(0, cgroup);
    /* The namespace of PIDs is entered by children only: so the agent stays their parent, and itself stays where it is. */
    if (setns(launch->container->namespaces[NAMESPACE_PID], CLONE_NEWPID) != 0)
        return -1;
    pid_t pid = child_clone(0, cgroup);
    int error = errno;
    if (pid != 0 && setns(own_pid_namespace, CLONE_NEWPID) != 0)
        log_fatal("cannot return to the own PID namespace");
    errno = error;
    return pid;
}

/* Where one waits to become it: its pid, with the pipes. Else pipes alone. */
static int take_pipes(const struct launch *launch, struct container *container, const struct message *message, struct pipes *pipes, pid_t *pid)
{
    const struct request *request = launch->request;
    const bool wanted[] = {request->takes_stdin && !request->tty, !request->tty, !request->tty};
    *pid = message->bytes && stage_fits(launch) ? stage_take(container, message, wanted, pipes) : -1;
    if (*pid < 0) {
        if (launch->init)
            stage_end(container);
        return pipes_open(pipes, wanted);
    }
    pipes_choose(pipes, wanted);
    return 0;
}

static int start(struct process *process, const struct request *request, struct container *container, const struct message *message)
{
    struct launch launch = {.request = request, .container = container, .init = container && container->init == process};
    struct pipes pipes;
    pid_t pid;
    launch.own_root = launch.init || (container && !container->init);
    process->oom_kills = container ? cgroup_oom_kills(&container->oom, false) : 0;
    int error = take_pipes(&launch, container, message, &pipes, &pid);
    if (error)
        return error;
    bool waited = pid > 0;
    error = watch_pipes(process, request, &pipes);
    launch.report = pipes.their_report;
    for (int i = 0; i < 3; i++)
        launch.stdio[i] = pipes.theirs[i];
    if (error == 0 && !waited && (pid = clone_child(&launch)) < 0)
        error = errno;
    if (error == 0 && pid == 0)
        child_run(&launch);
    if (error && waited)
        (void)kill(pid, SIGKILL);
    process->pid = pid;
    if (error)
        pipes_close(&pipes);
    else
        pipes_give(&pipes);
    return error;
}

void launch_process(const struct request *request, const struct message *message)
{
    struct process *process = process_find(request->process);
    struct container *container = NULL;
    const char *why = "";
    if (process && process->state == PROCESS_STARTING) {
        process->start_request = request->id;
        return;
    }
    if (process) {
        answer_started(request->id, process);
        return;
    }
    if (request->process >= CONNECTION_FIRST || request->argument_count == 0) {
        refuse(request->id, EINVAL, FAILURE_OTHER, "a process needs a number of 31 bits and a command");
        return;
    }
    if (request->container && !(container = container_for_start(request->container, &why))) {
        refuse(request->id, ESRCH, FAILURE_OTHER, why);
        return;
    }
    process = process_add((uint32_t)request->process);
    if (!process) {
        refuse(request->id, EAGAIN, FAILURE_OTHER, "too many processes");
        return;
    }
    if (!request->task && (!container || request->capabilities & (1ULL << CAP_NET_ADMIN)))
        network_forget(); /* it may change it */
    process->terminal = request->tty;
    process->lane.output_count = request->tty ? 1 : 2;
    process->container = container;
    process->container_id = request->container;
    process->start_request = request->id;
    if (container && !container->init && !request->task)
        container->init = process;
    int error = start(process, request, container, message);
    if (error) {
        refuse(request->id, error, FAILURE_OTHER, error == EAGAIN && container ? "the container has as many processes as it may have" : NULL);
        process_remove(process);
    }
}
