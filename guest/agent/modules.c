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

/* The list of those that are left; what of it comes next. */
static char *file_systems, *next_file_systems;

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

/* The next of a list's modules, which are in the folder, each after those that it needs. False: there are no more. */
static bool load_next(char **rest, const char *folder)
{
    char *name = strsep(rest, "\n");
    if (!name || !*name)
        return false;
    uint64_t begun = clock_uptime();
    load(folder, name);
    if (getenv("HYPER_DEBUG"))
        log_line("module %s: %" PRIu64 " us", name, (clock_uptime() - begun) / 1000);
    return true;
}

static void load_list(const char *list, const char *folder)
{
    char *order = file_text(list, ORDER_MAX);
    for (char *rest = order; load_next(&rest, folder);)
        continue;
    free(order);
}

void modules_load_at_once(void (*loaded)(void))
{
    char *order = file_text(FOLDER "at-once", ORDER_MAX);
    for (char *rest = order; load_next(&rest, FOLDER);)
        loaded();
    free(order);
    file_systems = next_file_systems = file_text(FOLDER "file-systems", ORDER_MAX);
}

bool modules_left(void)
{
    return file_systems;
}

void modules_load_one(void)
{
    if (load_next(&next_file_systems, FOLDER))
        return;
    free(file_systems);
    file_systems = NULL;
}

void modules_load_rest(void)
{
    while (modules_left())
        modules_load_one();
}

void modules_load_shares(void)
{
    load_list(FOLDER "shares", FOLDER);
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

static bool knows_services(const char *unused)
{
    (void)unused;
    return access("/proc/net/ip_vs", F_OK) == 0;
}

/* Loads what the list of this name names from the disk of modules. `what` it is for, as its user calls it. */
static int load_on_demand(const char *name, bool (*is_there)(const char *), const char *what, char *why, size_t why_size)
{
    char list[128], disk[128];
    if (is_there(name))
        return 0;
    (void)snprintf(list, sizeof list, FOLDER "on-demand/%.60s", name);
    if (strchr(name, '/') || access(list, R_OK) != 0) {
        (void)snprintf(why, why_size, "the guest's kernel has no %s", what);
        return ENODEV;
    }
    int error = disk_mount(DISK_MODULES, MODULES_SERIAL, why, why_size);
    if (error)
        return error;
    disk_path(DISK_MODULES, MODULES_SERIAL "/", disk, sizeof disk);
    load_list(list, disk);
    if (is_there(name))
        return 0;
    (void)snprintf(why, why_size, "the modules of the %s cannot be loaded", what);
    return ENODEV;
}

int modules_load_file_system(const char *file_system, char *why, size_t why_size)
{
    char what[96];
    (void)snprintf(what, sizeof what, "file system %.60s", file_system);
    return load_on_demand(file_system, is_registered, what, why, why_size);
}

int modules_load_services(char *why, size_t why_size)
{
    return load_on_demand("ipvs", knows_services, "load balancer (IPVS)", why, why_size);
}
