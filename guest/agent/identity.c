#include "identity.h"

#include "child.h"
#include "files.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ACCOUNTS_FILE_MAX (4U << 20)
/* As systemd gives services, and with it Docker's containers today. */
#define NOFILE_SOFT 1024
#define NOFILE_HARD 524288

static const struct {
    const char *name;
    int resource;
} resources[] = {
    {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},     {"cpu", RLIMIT_CPU},       {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},     {"locks", RLIMIT_LOCKS},   {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},       {"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC},   {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME}, {"sigpending", RLIMIT_SIGPENDING}, {"stack", RLIMIT_STACK},
};

static void set_limit(const struct launch *launch, const struct rlimit_request *wanted)
{
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        if (strcmp(resources[i].name, wanted->name) != 0)
            continue;
        struct rlimit limit = {.rlim_cur = wanted->soft, .rlim_max = wanted->hard};
        if (setrlimit(resources[i].resource, &limit) != 0)
            child_fail(launch, FAILURE_OTHER, errno, "cannot set limit %s", wanted->name);
        return;
    }
    child_fail(launch, FAILURE_OTHER, 0, "there is no limit called %.100s", wanted->name);
}

void identity_limit(const struct launch *launch)
{
    struct rlimit files = {.rlim_cur = NOFILE_SOFT, .rlim_max = NOFILE_HARD};
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot set limit nofile");
    for (size_t i = 0; i < launch->request->rlimit_count; i++)
        set_limit(launch, &launch->request->rlimits[i]);
}

struct account *identity_find(const struct launch *launch)
{
    static struct account account;
    static char empty_passwd[1], empty_group[1];
    char why[256];
    const char *user = launch->request->user ? launch->request->user : "";
    char *passwd = file_text("/etc/passwd", ACCOUNTS_FILE_MAX);
    char *group = file_text("/etc/group", ACCOUNTS_FILE_MAX);
    if (account_find(&account, user, passwd ? passwd : empty_passwd, group ? group : empty_group, why, sizeof why) != 0)
        child_fail(launch, FAILURE_OTHER, 0, "%s", why);
    return &account;
}

void identity_own_stdio(const struct account *account)
{
    struct stat status;
    for (int fd = 0; fd < 3; fd++)
        if (fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || isatty(fd)) && status.st_uid != account->uid)
            (void)fchown(fd, account->uid, (gid_t)-1); /* without it only /dev/stdout is out of reach */
}

static void drop_bounding_set(const struct launch *launch, uint64_t kept)
{
    for (int capability = 0; capability < 64; capability++) {
        if (kept & (1ULL << capability))
            continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
            continue;
        if (errno == EINVAL) /* above the last one that the kernel knows */
            return;
        child_fail(launch, FAILURE_OTHER, errno, "cannot drop capability %d", capability);
    }
}

static void set_capabilities(const struct launch *launch, uint64_t held)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)held, .permitted = (uint32_t)held},
        {.effective = (uint32_t)(held >> 32), .permitted = (uint32_t)(held >> 32)},
    };
    if (syscall(SYS_capset, &header, data) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot set capabilities");
}

void identity_take(const struct launch *launch, const struct account *account)
{
    uint64_t capabilities = launch->request->capabilities;
    drop_bounding_set(launch, capabilities);
    /* The C library's calls would look for other threads. */
    if (syscall(SYS_setgroups, account->group_count, account->groups) != 0 || syscall(SYS_setresgid, account->gid, account->gid, account->gid) != 0 ||
        syscall(SYS_setresuid, account->uid, account->uid, account->uid) != 0)
        child_fail(launch, FAILURE_OTHER, errno, "cannot become user %u", account->uid);
    if (account->uid == 0)
        set_capabilities(launch, capabilities); /* any other user lost them all with setresuid */
}
