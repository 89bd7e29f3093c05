#include "process.h"

#include "cgroup.h"
#include "container.h"
#include "events.h"
#include "launch.h"
#include "stage.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

struct process *processes;
static size_t count;

struct process *process_find(uint64_t id)
{
    struct process *process = processes;
    while (process && process->lane.id != id)
        process = process->next;
    return process;
}

static void settle(void *process)
{
    process_settle(process);
}

struct process *process_add(uint32_t id)
{
    struct process *process = count < PROCESSES_MAX ? calloc(1, sizeof *process) : NULL;
    if (!process)
        return NULL;
    process->state = PROCESS_STARTING;
    process->launch.fd = -1;
    lane_add(&process->lane, id, process, settle);
    process->next = processes;
    processes = process;
    count++;
    return process;
}

void process_remove(struct process *process)
{
    struct process **link = &processes;
    while (*link != process)
        link = &(*link)->next;
    *link = process->next;
    count--;
    if (process->container)
        container_lose(process->container, process);
    loop_close(&process->launch);
    lane_remove(&process->lane);
    loop_free(process);
}

void process_settle(struct process *process)
{
    if (process->state != PROCESS_EXITED || !process->exit_acknowledged)
        return;
    for (int i = 0; i < process->lane.output_count; i++)
        if (!process->lane.outputs[i].eof_acknowledged)
            return;
    process_remove(process);
}

int process_signal(struct process *process, uint64_t signal, bool group)
{
    if (process->reaped || process->state != PROCESS_RUNNING)
        return process->state == PROCESS_STARTING ? EAGAIN : ESRCH;
    if (signal > (uint64_t)SIGRTMAX)
        return EINVAL;
    return kill(group ? -process->pid : process->pid, (int)signal) == 0 ? 0 : errno;
}

int process_resize(struct process *process, uint64_t rows, uint64_t columns)
{
    if (!process->terminal)
        return ENOTTY;
    if (rows > UINT16_MAX || columns > UINT16_MAX)
        return EINVAL;
    if (process->lane.outputs[0].watch.fd < 0)
        return process->state == PROCESS_STARTING ? EAGAIN : ESRCH;
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    return ioctl(process->lane.outputs[0].watch.fd, TIOCSWINSZ, &size) == 0 ? 0 : errno;
}

void process_exited(struct process *process)
{
    int status = process->wait_status;
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    process->state = PROCESS_EXITED;
    process->code = (uint8_t)(signal ? 128 + signal : WEXITSTATUS(status));
    bool oom = process->container && cgroup_oom_kills(&process->container->oom, signal == SIGKILL) > process->oom_kills;
    input_close(&process->lane.input);
    for (int i = 0; i < process->lane.output_count; i++)
        output_drain(&process->lane.outputs[i]);
    if (process->container)
        container_lose(process->container, process);
    process->container = NULL;
    event_exit(process, signal, oom);
}

static struct process *find_pid(pid_t pid)
{
    struct process *process = processes;
    while (process && (process->pid != pid || process->reaped))
        process = process->next;
    return process;
}

void processes_reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct process *process = find_pid(pid);
        if (!process) {
            stage_lost(pid); /* else it is an orphan, or a job */
            continue;
        }
        process->reaped = true;
        process->wait_status = status;
        if (process->state == PROCESS_STARTING)
            launch_settle(process); /* was it started at all? */
        else
            process_exited(process);
    }
}
