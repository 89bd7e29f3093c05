#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum operation {
    OP_PING = 1, OP_SETUP, OP_CREATE_CONTAINER, OP_START_PROCESS, OP_SIGNAL_PROCESS, OP_RESIZE, OP_SET_CLOCK,
    OP_DESTROY_CONTAINER, OP_SHUTDOWN, OP_CLOSE_OUTPUT, OP_CONFIGURE_NIC, OP_REMOVE_NIC, OP_UPDATE_FILES,
    OP_FREEZE = 20, OP_READ_FILES, OP_CLEAR_MEMORY,
    OP_SET_SERVICES = 30, OP_LIMIT_CONTAINER,
};

#define UNLIMITED UINT64_MAX

struct nic {
    char *name;
    char *mac;
    char **addresses;
    size_t address_count;
    char **gateways;
    size_t gateway_count;
    uint64_t mtu;
};

struct sysctl {
    char *name;
    uint8_t *content;
    size_t length;
};

struct service_host {
    char *address;
    uint64_t port;
};

/* An address and port whose connections go to one of its hosts after the other. */
struct service {
    char *interface; /* by which its hosts are reached */
    char *address;
    uint64_t port;
    bool udp;
    struct service_host *hosts;
    size_t host_count;
};

/* Something to be mounted in a container: what it is says `kind`. */
struct mount {
    enum { MOUNT_TMPFS, MOUNT_FILE, MOUNT_VOLUME, MOUNT_SHARE, MOUNT_DISK, MOUNT_FILE_SYSTEM, MOUNT_NFS, MOUNT_SOCKET } kind;
    char *path;
    char *options;    /* tmpfs and NFS */
    char *name;       /* share: the device's tag; disk and file system: the serial; NFS: a name of its own */
    char *source;     /* what of it, share and disk; HOST:/path, NFS; the host's name of a socket */
    char *fstype;     /* file system: what it is; NULL: what its superblock says */
    uint64_t partition; /* of the disk that a file system is on; 0: none */
    bool readonly; /* not of a tmpfs, whose options say it */
    bool seed;        /* a folder that is empty is to have what the image has there */
    uint8_t *content; /* file, with mode, uid and gid, which a socket has too */
    uint8_t *updated; /* where `content` is when it came later than the message: allocated */
    size_t length;
    uint64_t mode, uid, gid;
    char *user; /* file: its owner, in place of uid and gid */
};

struct rlimit_request {
    char *name;
    uint64_t soft, hard;
};

/* A REQUEST, decoded. Texts and contents lie in the message, which must outlive it. */
struct request {
    uint64_t id, operation, process, container, signal, stream;
    uint64_t clock; /* 0: none */
    uint8_t *entropy;
    size_t entropy_length;
    char *hostname;
    struct nic *nics;
    size_t nic_count;
    struct service *services;
    size_t service_count;
    struct sysctl *sysctls;
    size_t sysctl_count;
    char *root, *scratch, *cpu_max;
    bool readonly, tty, takes_stdin;
    bool frozen;
    bool group; /* a signal: of the whole process group */
    bool standby; /* a container of which more will be said */
    struct mount *mounts;
    size_t mount_count;
    uint64_t shm_size, pids_max, memory_max; /* 0: the default, none, none */
    uint64_t scratch_size;                   /* of its file system, which is made larger; 0: as it is */
    char **arguments, **environment;         /* ended by NULL */
    size_t argument_count, environment_count;
    char *cwd, *user;
    uint64_t rows, columns;
    struct rlimit_request *rlimits;
    size_t rlimit_count;
    uint64_t capabilities; /* all, unless said */
    uint64_t task;         /* what the agent does itself, in place of a command; 0: none */
};

/* A REQUEST as it came: decoding one changes it. */
struct message {
    uint8_t *bytes; /* to be freed; NULL: it was not kept */
    size_t length;
};

struct message message_copy(const uint8_t *bytes, size_t length);

/* Returns 0 or an errno; the request must be freed either way. Changes the payload. */
int request_decode(struct request *request, uint8_t *payload, size_t length);
void request_free(struct request *request);

#endif
