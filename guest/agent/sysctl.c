#include "sysctl.h"

#include "files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int sysctl_set(const struct sysctl *sysctl, char *why, size_t why_size)
{
    char path[256];
    int length = snprintf(path, sizeof path, "/proc/sys/%s", sysctl->name);
    if (length < 0 || (size_t)length >= sizeof path)
        return ENAMETOOLONG;
    for (char *at = path + sizeof "/proc/sys/" - 1; *at; at++)
        if (*at == '.' || *at == '/') /* a dot inside a name is written as a slash, as sysctl(8) has it */
            *at = *at == '.' ? '/' : '.';
    int error = strstr(path, "..") ? EINVAL : file_write(path, sysctl->content, sysctl->length);
    if (error)
        (void)snprintf(why, why_size, "cannot set sysctl %.100s: %s", sysctl->name, strerror(error));
    return error;
}
