#include "modules.h"

#include "clock.h"
#include "disks.h"
#include "files.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FOLDER "/lib/modules/"
#define ORDER_MAX 65536
#define MODULES_SERIAL "modules"

static void load(const char *folder, const char *name)
{
    char path[256];
    if ((size_t)snprintf(path, sizeof path, "%s%s", folder, name) >= sizeof path)
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    /* A missing driver shows when its device is needed; the guest may do without. */
    if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST))
        log_line("module %s: %s", name, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
}

/* The list's modules, which are in the folder, each after those that it needs; `loaded` is called after each. */
static void load_list(const char *list, const char *folder, void (*loaded)(void))
{
    char *order = file_text(list, ORDER_MAX);
    char *rest = order;
    for (char *name; (name = strsep(&rest, "\n"));) {
        if (!*name)
            continue;
        uint64_t begun = clock_uptime();
        load(folder, name);
        if (getenv("HYPER_DEBUG"))
            log_line("module %s: %" PRIu64 " us", name, (clock_uptime() - begun) / 1000);
        if (loaded)
            loaded();
    }
    free(order);
}

void modules_load(void (*loaded)(void))
{
    load_list(FOLDER "order", FOLDER, loaded);
}

void modules_load_shares(void)
{
    load_list(FOLDER "shares", FOLDER, NULL);
}

/* Whether mount(2) knows the type: what needs no device has a word before it. */
static bool is_registered(const char *file_system)
{
    char line[64];
    char *all = file_text("/proc/filesystems", ORDER_MAX);
    bool found = all && (size_t)snprintf(line, sizeof line, "\t%s\n", file_system) < sizeof line && strstr(all, line);
    free(all);
    return found;
}

int modules_load_file_system(const char *file_system, char *why, size_t why_size)
{
    char list[128], disk[128];
    if (is_registered(file_system))
        return 0;
    (void)snprintf(list, sizeof list, FOLDER "file-systems/%.60s", file_system);
    if (strchr(file_system, '/') || access(list, R_OK) != 0) {
        (void)snprintf(why, why_size, "the guest's kernel has no file system %s", file_system);
        return ENODEV;
    }
    int error = disk_mount(DISK_MODULES, MODULES_SERIAL, why, why_size);
    if (error)
        return error;
    disk_path(DISK_MODULES, MODULES_SERIAL "/", disk, sizeof disk);
    load_list(list, disk, NULL);
    if (is_registered(file_system))
        return 0;
    (void)snprintf(why, why_size, "the modules of the file system %s cannot be loaded", file_system);
    return ENODEV;
}
