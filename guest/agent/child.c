#include "child.h"

#include "command.h"
#include "container.h"
#include "identity.h"
#include "rootfs.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

static void reset_signals(void)
{
    sigset_t none;
    for (int signal = 1; signal < _NSIG; signal++)
        if (signal != SIGKILL && signal != SIGSTOP)
            (void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL); /* libc keeps two for itself */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void join_container(const struct launch *launch)
{
    const int *namespaces = launch->container->namespaces;
    if (setns(namespaces[NAMESPACE_IPC], CLONE_NEWIPC) != 0 || setns(namespaces[NAMESPACE_CGROUP], CLONE_NEWCGROUP) != 0 ||
        setns(namespaces[NAMESPACE_MOUNT], CLONE_NEWNS) != 0)
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

static int change_folder(const struct launch *launch)
{
    const char *folder = launch->request->cwd && *launch->request->cwd ? launch->request->cwd : "/";
    return chdir(folder) == 0 ? 0 : errno;
}

static void fail_folder(const struct launch *launch, int error)
{
    child_fail(launch, FAILURE_NOT_EXECUTABLE, error, "chdir to cwd (\"%s\") set in config.json failed", launch->request->cwd);
}

void child_run(const struct launch *launch)
{
    const struct request *request = launch->request;
    reset_signals();
    (void)umask(022);
    (void)setsid();
    if (launch->init)
        rootfs_enter(launch);
    else if (launch->container)
        join_container(launch);
    if (request->tty)
        terminal_open(launch);
    else
        place_stdio(launch);
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
