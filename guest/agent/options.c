#include "options.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

static const struct {
    const char *word;
    unsigned long set, cleared;
} words[] = {
    {"ro", MS_RDONLY, 0},       {"rw", 0, MS_RDONLY},      {"nosuid", MS_NOSUID, 0},   {"suid", 0, MS_NOSUID},
    {"nodev", MS_NODEV, 0},     {"dev", 0, MS_NODEV},      {"noexec", MS_NOEXEC, 0},   {"exec", 0, MS_NOEXEC},
    {"noatime", MS_NOATIME, 0}, {"atime", 0, MS_NOATIME}, {"relatime", MS_RELATIME, 0}, {"sync", MS_SYNCHRONOUS, 0},
};

static bool is_flag(struct mount_options *options, const char *word)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].word, word) != 0)
            continue;
        options->flags = (options->flags & ~words[i].cleared) | words[i].set;
        return true;
    }
    return false;
}

bool options_parse(struct mount_options *options, const char *text)
{
    char copy[sizeof options->data];
    char *rest = copy;
    size_t filled = 0;
    options->data[0] = 0;
    if (!text)
        return true;
    if ((size_t)snprintf(copy, sizeof copy, "%s", text) >= sizeof copy)
        return false;
    for (char *word; (word = strsep(&rest, ","));) {
        if (!*word || is_flag(options, word))
            continue;
        int length = snprintf(options->data + filled, sizeof options->data - filled, "%s%s", filled ? "," : "", word);
        filled += (size_t)length; /* never more than the copy held */
    }
    return true;
}
