#include "command.h"

#include "child.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

const char *command_error(int error)
{
    static char text[128];
    if (error == EISDIR)
        return "is a directory";
    if (error == ENOENT)
        return "no such file or directory";
    (void)snprintf(text, sizeof text, "%s", strerror(error));
    text[0] = (char)tolower((unsigned char)text[0]);
    return text;
}

static const char *find_variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    const char *found = NULL;
    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            found = *environment + length + 1;
    return found;
}

/* 0, or the errno that says why it cannot be executed. */
static int check(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return errno;
    if (S_ISDIR(status.st_mode))
        return EISDIR;
    return access(path, X_OK) == 0 ? 0 : errno;
}

static bool search_folders(const char *name, const char *folders, char found[PATH_MAX])
{
    for (const char *folder = folders; folder;) {
        const char *end = strchrnul(folder, ':');
        int length = (int)(end - folder);
        int printed = length ? snprintf(found, PATH_MAX, "%.*s/%s", length, folder, name) : snprintf(found, PATH_MAX, "./%s", name);
        if (printed > 0 && printed < PATH_MAX && check(found) == 0)
            return true;
        folder = *end ? end + 1 : NULL;
    }
    return false;
}

bool command_find(const char *name, const char *folders, char path[PATH_MAX])
{
    if (strchr(name, '/'))
        return check(name) == 0 && (size_t)snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
    return *name && search_folders(name, folders ? folders : DEFAULT_PATH, path);
}

static void find_command(const struct launch *launch, char path[PATH_MAX])
{
    const char *name = launch->request->arguments[0];
    if (strchr(name, '/')) {
        int error = check(name);
        if (error)
            child_fail(launch, error == ENOENT || error == ENOTDIR ? FAILURE_NOT_FOUND : FAILURE_NOT_EXECUTABLE, error, "exec: \"%s\"", name);
        if ((size_t)snprintf(path, PATH_MAX, "%s", name) >= PATH_MAX)
            child_fail(launch, FAILURE_NOT_FOUND, ENAMETOOLONG, "exec: \"%.200s\"", name);
        return;
    }
    const char *folders = find_variable(launch->request->environment, "PATH");
    if (!command_find(name, folders, path))
        child_fail(launch, FAILURE_NOT_FOUND, 0, "exec: \"%.200s\": executable file not found in $PATH", name);
}

static char **with_home(const struct launch *launch, const char *home)
{
    const struct request *request = launch->request;
    if (find_variable(request->environment, "HOME"))
        return request->environment;
    size_t count = request->environment_count;
    size_t size = strlen(home) + sizeof "HOME=";
    char **environment = calloc(count + 2, sizeof *environment);
    char *text = malloc(size);
    if (!environment || !text)
        child_fail(launch, FAILURE_OTHER, ENOMEM, "environment");
    (void)snprintf(text, size, "HOME=%s", home);
    memcpy(environment, request->environment, count * sizeof *environment);
    environment[count] = text;
    return environment;
}

void command_execute(const struct launch *launch, const char *home)
{
    char path[PATH_MAX];
    char **environment = with_home(launch, home);
    find_command(launch, path);
    (void)execve(path, launch->request->arguments, environment);
    int error = errno;
    child_fail(launch, error == ENOENT ? FAILURE_NOT_FOUND : FAILURE_NOT_EXECUTABLE, error, "exec %s", path);
}
