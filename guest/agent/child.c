#include "child.h"

#include "command.h"
#include "container.h"
#include "identity.h"
#include "rootfs.h"
#include "task.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void child_fail(const struct launch *launch, enum failure failure, int error, const char *format, ...)
{
    struct launch_report report = {.kind = REPORT_FAILURE, .failure = failure, .error = error};
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(report.text, sizeof report.text, format, arguments);
    va_end(arguments);
    if (error && length >= 0 && (size_t)length < sizeof report.text)
        (void)snprintf(report.text + length, sizeof report.text - (size_t)length, ": %s", command_error(error));
    (void)send(launch->report, &report, sizeof report, MSG_NOSIGNAL);
    _exit(1);
}

/* From its joining to its exec the child is among the container's processes: none may trace it or open what its /proc shows. */
static void hide(const struct launch *launch)
{
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot hide from the container");
}

/* Handlers have gone with the clone; what the agent ignores is still ignored. */
static void reset_signals(void)
{
    sigset_t none;
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

pid_t child_clone(uint64_t flags, int cgroup)
{
    struct clone_args arguments = {.flags = flags | CLONE_INTO_CGROUP | CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD, .cgroup = (uint64_t)(unsigned int)cgroup};
    return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

pid_t child_clone_first(int cgroup)
{
    return child_clone(CLONE_NEWPID | CLONE_NEWNS, cgroup);
}

static void join_container(const struct launch *launch)
{
    const int *namespaces = launch->container->namespaces;
    if (setns(namespaces[NAMESPACE_CGROUP], CLONE_NEWCGROUP) != 0 || setns(namespaces[NAMESPACE_MOUNT], CLONE_NEWNS) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot join the container");
}

/* The agent's own are closed at exec; the child's are put in place here. */
static void place_stdio(const struct launch *launch)
{
    for (int i = 0; i < 3; i++) {
        int fd = launch->stdio[i];
        int opened = fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : fd;
        if (opened < 0 || dup2(opened, i) != i)
            child_fail(launch, FAILURE_OTHER, errno, "cannot open /dev/null");
    }
}

void child_keep_only(const struct launch *launch, const int *kept, size_t count)
{
    unsigned int first = 3;
    for (size_t i = 0; i < count; first = (unsigned int)kept[i++] + 1)
        if ((unsigned int)kept[i] > first && syscall(SYS_close_range, first, (unsigned int)kept[i] - 1, 0U) != 0)
            child_fail(launch, FAILURE_OTHER, errno, "cannot close the agent's descriptors");
    if (syscall(SYS_close_range, first, ~0U, 0U) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot close the agent's descriptors");
}

static int change_folder(const struct launch *launch)
{
    const char *folder = launch->request->cwd && *launch->request->cwd ? launch->request->cwd : "/";
    char path[PATH_MAX];
    if (chdir(folder) != 0)
        return errno;
    /* A folder that cannot be reached from the root has no path. */
    if (!getcwd(path, sizeof path))
        child_fail(launch, FAILURE_NOT_EXECUTABLE, 0, "the working directory \"%s\" is outside the container", folder);
    return 0;
}

static void fail_folder(const struct launch *launch, int error)
{
    child_fail(launch, FAILURE_NOT_EXECUTABLE, error, "chdir to cwd (\"%s\") set in config.json failed", launch->request->cwd);
}

void child_begin(const struct launch *launch)
{
    hide(launch);
    reset_signals();
    (void)umask(022);
    (void)setsid();
}

void child_run(const struct launch *launch)
{
    child_begin(launch);
    if (launch->own_root)
        rootfs_finish(launch, rootfs_begin(launch));
    else if (launch->container)
        join_container(launch);
    child_become(launch);
}

void child_become(const struct launch *launch)
{
    const struct request *request = launch->request;
    if (request->tty)
        terminal_open(launch);
    else
        place_stdio(launch);
    /* What the image names from here on may be /proc/self/fd/N: there is nothing of the agent's to be found (CVE-2024-21626). */
    child_keep_only(launch, &launch->report, 1);
    if (request->task) {
        identity_take(launch, &(struct account){0}); /* the container's accounts are not asked */
        task_run(launch);
    }
    identity_limit(launch);
    struct account *account = identity_find(launch);
    identity_own_stdio(account);
    int error = change_folder(launch);
    if (error && error != EACCES)
        fail_folder(launch, error);
    identity_take(launch, account);
    /* A folder that only the user may enter, not root without its capabilities. */
    if (error && (error = change_folder(launch)) != 0)
        fail_folder(launch, error);
    command_execute(launch, account->home);
}
