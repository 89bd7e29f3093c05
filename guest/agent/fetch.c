#include "fetch.h"

#include "command.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD 4096
/* Of one file: it stays in the memory of each clone's template. */
#define FILE_MOST (4 << 20)

/* Its first bytes are in `head`: how many. */
static size_t read_in(const char *path, uint8_t head[HEAD])
{
    static uint8_t rest[64 << 10];
    struct stat status;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    ssize_t length = -1;
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        length = read(fd, head, HEAD);
    ssize_t more = length;
    for (size_t at = 0; more > 0 && at < FILE_MOST; at += (size_t)more)
        more = read(fd, rest, sizeof rest);
    if (fd >= 0)
        (void)close(fd);
    return length > 0 ? (size_t)length : 0;
}

/* The text at this place of the head, if it ends there. */
static const char *text_at(const uint8_t head[HEAD], size_t length, uint64_t offset, const char *ends)
{
    static char text[PATH_MAX];
    size_t count = 0;
    while (offset < length && count < length - offset && head[offset + count] && !strchr(ends, head[offset + count]))
        count++;
    if (count == 0 || count >= sizeof text || offset + count >= length)
        return NULL;
    memcpy(text, head + offset, count);
    text[count] = 0;
    return text;
}

/* NULL: it needs none. */
static const char *loader_of(const uint8_t head[HEAD], size_t length)
{
    Elf64_Ehdr file;
    Elf64_Phdr part;
    if (length > 2 && memcmp(head, "#!", 2) == 0)
        return text_at(head, length, 2 + strspn((const char *)head + 2, " "), " \n");
    if (length < sizeof file || memcmp(head, ELFMAG, SELFMAG) != 0 || head[EI_CLASS] != ELFCLASS64)
        return NULL;
    memcpy(&file, head, sizeof file);
    for (uint64_t i = 0; i < file.e_phnum && file.e_phoff <= length && (i + 1) * sizeof part <= length - file.e_phoff; i++) {
        memcpy(&part, head + file.e_phoff + i * sizeof part, sizeof part);
        if (part.p_type == PT_INTERP)
            return text_at(head, length, part.p_offset, "");
    }
    return NULL;
}

static void read_libc(const char *loader)
{
    uint8_t head[HEAD];
    char beside[PATH_MAX], path[PATH_MAX + sizeof "libc.so.6"];
    if (!realpath(loader, beside))
        return;
    *(strrchr(beside, '/') + 1) = 0;
    (void)snprintf(path, sizeof path, "%slibc.so.6", beside);
    if (read_in(path, head) > 0)
        (void)read_in("/etc/ld.so.cache", head);
}

void fetch(const char *command, const char *folders)
{
    uint8_t head[HEAD + 1];
    char path[PATH_MAX];
    sync(); /* else the writable layer's journal is written in each clone, when it has just begun */
    (void)read_in("/etc/passwd", head);
    (void)read_in("/etc/group", head);
    if (!command_find(command, *folders ? folders : NULL, path))
        return;
    /* A script's interpreter may have a loader of its own. */
    for (int depth = 0; depth < 3; depth++) {
        size_t length = read_in(path, head);
        head[length] = 0;
        const char *loader = loader_of(head, length);
        if (!loader)
            return;
        (void)snprintf(path, sizeof path, "%s", loader);
        if (head[0] != '#')
            read_libc(path);
    }
}
