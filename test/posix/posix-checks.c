/* What POSIX and Linux promise of a file system, asked of the folder that is given. Prints a line for each check. Needs root. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int failures;

/* Leaves the check with where and why it failed. */
#define MUST(condition)                                                                  \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            printf("FAILED %s: line %d: %s: %s\n", __func__, __LINE__, #condition, strerror(errno)); \
            failures++;                                                                  \
            return;                                                                      \
        }                                                                                \
    } while (0)
#define FAILS(call, with) MUST((errno = 0, (call) < 0) && errno == (with))

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        printf("cannot write %s: %s\n", path, strerror(errno));
    close(fd);
}

static bool holds(const char *path, const char *text)
{
    char found[4096] = "";
    int fd = open(path, O_RDONLY);
    ssize_t length = fd < 0 ? -1 : read(fd, found, sizeof found - 1);
    close(fd);
    return length == (ssize_t)strlen(text) && memcmp(found, text, strlen(text)) == 0;
}

static void rename_replaces(void)
{
    struct stat before, after;
    put("a", "new");
    put("b", "old");
    int old = open("b", O_RDONLY);
    MUST(stat("a", &before) == 0 && rename("a", "b") == 0 && stat("b", &after) == 0);
    MUST(before.st_ino == after.st_ino && holds("b", "new"));
    FAILS(access("a", F_OK), ENOENT);
    char text[8] = "";
    MUST(read(old, text, 8) == 3 && strcmp(text, "old") == 0);
    close(old);
}

static void folders_are_renamed(void)
{
    MUST(mkdir("from", 0755) == 0 && mkdir("to", 0755) == 0);
    put("from/x", "x");
    put("to/y", "y");
    FAILS(rename("from", "to"), ENOTEMPTY);
    MUST(unlink("to/y") == 0 && rename("from", "to") == 0 && holds("to/x", "x"));
    FAILS(rmdir("to"), ENOTEMPTY);
    FAILS(unlink("to"), EISDIR);
    MUST(unlink("to/x") == 0 && rmdir("to") == 0);
}

static void an_unlinked_file_lives_while_it_is_open(void)
{
    struct stat status;
    char text[8] = "";
    int fd = open("gone", O_RDWR | O_CREAT, 0600);
    MUST(fd >= 0 && write(fd, "first", 5) == 5 && unlink("gone") == 0);
    FAILS(access("gone", F_OK), ENOENT);
    MUST(fstat(fd, &status) == 0 && status.st_nlink == 0 && status.st_size == 5);
    MUST(pwrite(fd, "x", 1, 5) == 1 && pread(fd, text, 8, 0) == 6 && strcmp(text, "firstx") == 0);
    close(fd);
}

static void exclusive_creation_is(void)
{
    int fd = open("once", O_WRONLY | O_CREAT | O_EXCL, 0600);
    MUST(fd >= 0);
    close(fd);
    FAILS(open("once", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    FAILS(mkdir("once", 0755), EEXIST);
}

static void links_are(void)
{
    struct stat one, two;
    char text[64] = "";
    put("target", "here");
    MUST(symlink("target", "soft") == 0 && readlink("soft", text, sizeof text) == 6 && strcmp(text, "target") == 0 && holds("soft", "here"));
    MUST(lstat("soft", &one) == 0 && S_ISLNK(one.st_mode) && one.st_size == 6);
    FAILS(open("soft", O_RDONLY | O_NOFOLLOW), ELOOP);
    MUST(link("target", "hard") == 0 && stat("target", &one) == 0 && stat("hard", &two) == 0);
    MUST(one.st_ino == two.st_ino && one.st_nlink == 2 && two.st_nlink == 2);
    MUST(unlink("target") == 0 && holds("hard", "here") && stat("hard", &two) == 0 && two.st_nlink == 1);
    FAILS(open("soft", O_RDONLY), ENOENT);
}

static void modes_and_owners_are_kept(void)
{
    struct stat status;
    put("owned", "");
    MUST(chown("owned", 1234, 5678) == 0 && chmod("owned", 06751) == 0 && stat("owned", &status) == 0);
    MUST(status.st_uid == 1234 && status.st_gid == 5678 && (status.st_mode & 07777) == 06751);
    MUST(chown("owned", 1, 1) == 0 && stat("owned", &status) == 0 && (status.st_mode & 07777) == 0751); /* set-id bits go */
    MUST(symlink("owned", "ownedlink") == 0 && lchown("ownedlink", 7, 8) == 0 && lstat("ownedlink", &status) == 0 && status.st_uid == 7);
    MUST(mkdir("setgid", 0755) == 0 && chown("setgid", 0, 4321) == 0 && chmod("setgid", 02775) == 0);
    put("setgid/child", "");
    MUST(stat("setgid/child", &status) == 0 && status.st_gid == 4321);
}

/* Runs a check of a user without rights; its exit code tells. */
static int as_user(int (*check)(void))
{
    int status = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(setgid(1000) == 0 && setuid(1000) == 0 ? check() : 100);
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 101;
}

static int user_is_held_to_modes(void)
{
    struct stat status;
    if (open("secret", O_RDONLY) >= 0 || errno != EACCES)
        return 1;
    if (open("shared/mine", O_WRONLY | O_CREAT | O_EXCL, 0644) < 0)
        return 2;
    if (stat("shared/mine", &status) != 0 || status.st_uid != 1000 || status.st_gid != 1000)
        return 3;
    if (unlink("shared/roots") == 0 || (errno != EPERM && errno != EACCES))
        return 4; /* sticky */
    if (chown("shared/mine", 0, 0) == 0 || errno != EPERM)
        return 5;
    return open("closed/x", O_WRONLY | O_CREAT, 0644) >= 0 || errno != EACCES ? 6 : 0;
}

static void users_are_held_to_modes(void)
{
    put("secret", "s");
    MUST(chmod("secret", 0600) == 0 && mkdir("shared", 0755) == 0 && chmod("shared", 01777) == 0 && mkdir("closed", 0755) == 0);
    put("shared/roots", "");
    int code = as_user(user_is_held_to_modes);
    errno = 0;
    if (code)
        printf("the user's check %d failed\n", code);
    MUST(code == 0);
}

static void times_are_kept(void)
{
    struct stat status;
    struct timespec times[2] = {{.tv_sec = 1000000000, .tv_nsec = 123456789}, {.tv_sec = 1500000000, .tv_nsec = 987654321}};
    put("timed", "x");
    MUST(utimensat(AT_FDCWD, "timed", times, 0) == 0 && stat("timed", &status) == 0);
    MUST(status.st_mtim.tv_sec == 1500000000 && status.st_mtim.tv_nsec == 987654321 && status.st_atim.tv_sec == 1000000000);
    put("timed", "y");
    MUST(stat("timed", &status) == 0 && status.st_mtim.tv_sec > 1500000000);
}

static void files_are_cut_and_grown(void)
{
    struct stat status;
    char text[8] = "zzzzzzz";
    put("sized", "0123456789");
    MUST(truncate("sized", 4) == 0 && holds("sized", "0123") && truncate("sized", 6) == 0 && stat("sized", &status) == 0 && status.st_size == 6);
    int fd = open("sized", O_RDWR);
    MUST(pread(fd, text, 8, 0) == 6 && memcmp(text, "0123\0\0", 6) == 0 && ftruncate(fd, 0) == 0);
    close(fd);
    FAILS(truncate("missing", 0), ENOENT);
}

static void holes_take_no_space(void)
{
    struct stat status;
    char byte = 'x';
    int fd = open("sparse", O_RDWR | O_CREAT | O_TRUNC, 0600);
    MUST(fd >= 0 && pwrite(fd, "end", 3, (off_t)1 << 32) == 3 && fsync(fd) == 0 && fstat(fd, &status) == 0);
    MUST(status.st_size == ((off_t)1 << 32) + 3 && status.st_blocks < 1024);
    MUST(pread(fd, &byte, 1, 1 << 30) == 1 && byte == 0);
    MUST(lseek(fd, 0, SEEK_DATA) > 0);
    close(fd);
}

static void appends_go_to_the_end(void)
{
    put("log", "one");
    int first = open("log", O_WRONLY | O_APPEND), second = open("log", O_WRONLY | O_APPEND);
    MUST(write(first, "two", 3) == 3 && write(second, "three", 5) == 5 && write(first, "four", 4) == 4);
    close(first);
    close(second);
    MUST(holds("log", "onetwothreefour"));
}

static void locks_are_held(void)
{
    put("lock", "");
    int one = open("lock", O_RDWR), two = open("lock", O_RDWR);
    MUST(flock(one, LOCK_EX) == 0);
    FAILS(flock(two, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    MUST(flock(one, LOCK_UN) == 0 && flock(two, LOCK_SH | LOCK_NB) == 0 && flock(one, LOCK_SH | LOCK_NB) == 0);
    close(one);
    close(two);
    one = open("lock", O_RDWR);
    two = open("lock", O_RDWR);
    struct flock range = {.l_type = F_WRLCK, .l_len = 10};
    MUST(fcntl(one, F_OFD_SETLK, &range) == 0);
    range = (struct flock){.l_type = F_WRLCK, .l_start = 5, .l_len = 10};
    FAILS(fcntl(two, F_OFD_SETLK, &range), EAGAIN);
    range = (struct flock){.l_type = F_WRLCK, .l_start = 10, .l_len = 10};
    MUST(fcntl(two, F_OFD_SETLKW, &range) == 0);
    close(one);
    close(two);
}

static void extended_attributes_are_kept(void)
{
    char value[64] = "", names[256] = "";
    put("attributed", "");
    MUST(setxattr("attributed", "user.colour", "red", 3, XATTR_CREATE) == 0);
    FAILS(setxattr("attributed", "user.colour", "blue", 4, XATTR_CREATE), EEXIST);
    MUST(getxattr("attributed", "user.colour", value, sizeof value) == 3 && memcmp(value, "red", 3) == 0);
    ssize_t length = listxattr("attributed", names, sizeof names);
    MUST(length > 0 && memmem(names, (size_t)length, "user.colour", 12));
    MUST(removexattr("attributed", "user.colour") == 0);
    FAILS(getxattr("attributed", "user.colour", value, sizeof value), ENODATA);
}

static void shared_maps_are_the_file(void)
{
    put("mapped", "................");
    int fd = open("mapped", O_RDWR);
    char *map = mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST(map != MAP_FAILED);
    memcpy(map, "by map", 6);
    MUST(msync(map, 16, MS_SYNC) == 0 && holds("mapped", "by map.........."));
    MUST(pwrite(fd, "by write", 8, 8) == 8 && memcmp(map, "by map..by write", 16) == 0);
    MUST(munmap(map, 16) == 0);
    close(fd);
}

static void large_files_are_whole(void)
{
    static uint32_t out[1 << 20], in[1 << 20];
    for (uint32_t i = 0; i < 1 << 20; i++)
        out[i] = i * 2654435761U;
    int fd = open("large", O_RDWR | O_CREAT | O_TRUNC, 0600);
    MUST(write(fd, out, sizeof out) == (ssize_t)sizeof out && pread(fd, in, sizeof in, 0) == (ssize_t)sizeof in);
    MUST(memcmp(out, in, sizeof in) == 0 && pread(fd, in, 12, 4 * 12345) == 12 && in[0] == out[12345]);
    close(fd);
}

static void folders_are_listed(void)
{
    char name[64];
    int count = 0;
    MUST(mkdir("many", 0755) == 0);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "many/file with a long name to fill the buffer %d", i);
        put(name, "");
    }
    DIR *folder = opendir("many");
    MUST(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    MUST(count == 302);
}

static void changes_are_told(void)
{
    char events[4096];
    MUST(mkdir("watched", 0755) == 0);
    int fd = inotify_init1(IN_CLOEXEC);
    MUST(fd >= 0 && inotify_add_watch(fd, "watched", IN_CREATE | IN_CLOSE_WRITE | IN_DELETE) >= 0);
    put("watched/x", "x");
    MUST(unlink("watched/x") == 0);
    uint32_t seen = 0;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (poll(&wait, 1, 0) > 0) {
        ssize_t length = read(fd, events, sizeof events);
        for (char *at = events; at < events + length;) {
            const struct inotify_event *event = (const void *)at;
            seen |= event->mask;
            at += sizeof *event + event->len;
        }
    }
    close(fd);
    MUST(seen == (IN_CREATE | IN_CLOSE_WRITE | IN_DELETE));
}

static void pipes_and_sockets_are_made(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    struct stat status;
    MUST(mkfifo("pipe", 0600) == 0 && stat("pipe", &status) == 0 && S_ISFIFO(status.st_mode));
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
    MUST(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
    close(client);
    close(listener);
}

static void space_is_reserved_and_told(void)
{
    struct stat status;
    struct statvfs space;
    int fd = open("reserved", O_RDWR | O_CREAT | O_TRUNC, 0600);
    MUST(posix_fallocate(fd, 0, 1 << 20) == 0 && fstat(fd, &status) == 0 && status.st_size == 1 << 20);
    close(fd);
    MUST(statvfs(".", &space) == 0 && space.f_blocks > 0 && space.f_bavail > 0);
}

static void names_are_bytes(void)
{
    char longest[256];
    memset(longest, 'n', 255);
    longest[255] = 0;
    put("caf\xc3\xa9 \xff\n", "odd");
    MUST(holds("caf\xc3\xa9 \xff\n", "odd"));
    put(longest, "long");
    MUST(holds(longest, "long"));
    MUST(access("A-name", F_OK) != 0);
    put("a-NAME", "case");
    FAILS(access("A-name", F_OK), ENOENT);
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } checks[] = {
#define CHECK(name) {#name, name}
        CHECK(rename_replaces), CHECK(folders_are_renamed), CHECK(an_unlinked_file_lives_while_it_is_open), CHECK(exclusive_creation_is),
        CHECK(links_are), CHECK(modes_and_owners_are_kept), CHECK(users_are_held_to_modes), CHECK(times_are_kept), CHECK(files_are_cut_and_grown),
        CHECK(holes_take_no_space), CHECK(appends_go_to_the_end), CHECK(locks_are_held), CHECK(extended_attributes_are_kept),
        CHECK(shared_maps_are_the_file), CHECK(large_files_are_whole), CHECK(folders_are_listed), CHECK(changes_are_told),
        CHECK(pipes_and_sockets_are_made), CHECK(space_is_reserved_and_told), CHECK(names_are_bytes),
    };
    umask(022);
    if (count != 2 || mkdir(arguments[1], 0755) != 0 || chdir(arguments[1]) != 0) {
        perror("give a folder to make and work in");
        return 2;
    }
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        int before = failures;
        checks[i].run();
        if (failures == before)
            printf("ok %s\n", checks[i].name);
    }
    return failures != 0;
}
