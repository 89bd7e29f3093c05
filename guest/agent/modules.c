#include "modules.h"

#include "clock.h"
#include "files.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FOLDER "/lib/modules/"
#define ORDER_MAX 65536

static void load(const char *name)
{
    char path[256];
    if ((size_t)snprintf(path, sizeof path, FOLDER "%s", name) >= sizeof path)
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    /* A missing driver shows when its device is needed; the guest may do without. */
    if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST))
        log_line("module %s: %s", name, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
}

/* The list's modules, each after those that it needs; `loaded` is called after each. */
static void load_list(const char *list, void (*loaded)(void))
{
    char *order = file_text(list, ORDER_MAX);
    char *rest = order;
    for (char *name; (name = strsep(&rest, "\n"));) {
        if (!*name)
            continue;
        uint64_t begun = clock_uptime();
        load(name);
        if (getenv("HYPER_DEBUG"))
            log_line("module %s: %" PRIu64 " us", name, (clock_uptime() - begun) / 1000);
        if (loaded)
            loaded();
    }
    free(order);
}

void modules_load(void (*loaded)(void))
{
    load_list(FOLDER "order", loaded);
}

void modules_load_shares(void)
{
    load_list(FOLDER "shares", NULL);
}
