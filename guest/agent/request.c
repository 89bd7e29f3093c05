#include "request.h"

#include "fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX 65536
#define RECORDS_MAX 4096

/* Makes room for one more element; lists double. */
static int grow(void **list, size_t count, size_t size, size_t most)
{
    if (count >= most)
        return E2BIG;
    if (count & (count - 1)) /* room is there unless the count is 0 or a power of two */
        return 0;
    void *larger = reallocarray(*list, count ? count * 2 : 1, size);
    if (!larger)
        return ENOMEM;
    *list = larger;
    return 0;
}

static int read_integer(const struct field *field, uint64_t *integer)
{
    return field_integer(field, integer) ? 0 : EINVAL;
}

static int read_flag(const struct field *field, bool *flag)
{
    uint64_t integer;
    if (!field_integer(field, &integer) || integer > 1)
        return EINVAL;
    *flag = integer == 1;
    return 0;
}

static int read_text(struct field *field, char **text)
{
    *text = field_text(field);
    return *text ? 0 : EINVAL;
}

static int add_text(struct field *field, char ***list, size_t *count)
{
    int error = grow((void **)list, *count, sizeof **list, TEXTS_MAX);
    if (error == 0)
        error = read_text(field, &(*list)[*count]);
    if (error == 0)
        (*count)++;
    return error;
}

static int read_nic(struct nic *nic, const struct field *record)
{
    struct fields fields = fields_in(record);
    struct field field;
    int more, error = 0;
    while (error == 0 && (more = fields_next(&fields, &field)) != 0) {
        if (more < 0)
            return EINVAL;
        switch (field.tag) {
        case TAG_NAME: error = read_text(&field, &nic->name); break;
        case TAG_MAC: error = read_text(&field, &nic->mac); break;
        case TAG_ADDRESS: error = add_text(&field, &nic->addresses, &nic->address_count); break;
        case TAG_GATEWAY: error = add_text(&field, &nic->gateways, &nic->gateway_count); break;
        case TAG_MTU: error = read_integer(&field, &nic->mtu); break;
        default: break;
        }
    }
    return error;
}

static int add_nic(struct request *request, const struct field *record)
{
    int error = grow((void **)&request->nics, request->nic_count, sizeof *request->nics, RECORDS_MAX);
    if (error)
        return error;
    struct nic *nic = &request->nics[request->nic_count++];
    *nic = (struct nic){0};
    return read_nic(nic, record);
}

static int add_host(struct service *service, const struct field *record)
{
    int error = grow((void **)&service->hosts, service->host_count, sizeof *service->hosts, RECORDS_MAX);
    if (error)
        return error;
    struct service_host *host = &service->hosts[service->host_count++];
    *host = (struct service_host){0};
    struct fields fields = fields_in(record);
    struct field field;
    int more;
    while (error == 0 && (more = fields_next(&fields, &field)) != 0) {
        if (more < 0)
            return EINVAL;
        if (field.tag == TAG_ADDRESS)
            error = read_text(&field, &host->address);
        if (field.tag == TAG_PORT)
            error = read_integer(&field, &host->port);
    }
    return error == 0 && !host->address ? EINVAL : error;
}

static int read_protocol(struct field *field, bool *udp)
{
    const char *protocol = field_text(field);
    *udp = protocol && strcmp(protocol, "udp") == 0;
    return *udp || (protocol && strcmp(protocol, "tcp") == 0) ? 0 : EINVAL;
}

static int read_service(struct service *service, const struct field *record)
{
    struct fields fields = fields_in(record);
    struct field field;
    int more, error = 0;
    while (error == 0 && (more = fields_next(&fields, &field)) != 0) {
        if (more < 0)
            return EINVAL;
        switch (field.tag) {
        case TAG_NAME: error = read_text(&field, &service->interface); break;
        case TAG_ADDRESS: error = read_text(&field, &service->address); break;
        case TAG_PORT: error = read_integer(&field, &service->port); break;
        case TAG_PROTOCOL: error = read_protocol(&field, &service->udp); break;
        case TAG_HOST: error = add_host(service, &field); break;
        default: break;
        }
    }
    return error == 0 && (!service->interface || !service->address) ? EINVAL : error;
}

static int add_service(struct request *request, const struct field *record)
{
    int error = grow((void **)&request->services, request->service_count, sizeof *request->services, RECORDS_MAX);
    if (error)
        return error;
    struct service *service = &request->services[request->service_count++];
    *service = (struct service){0};
    return read_service(service, record);
}

static int add_sysctl(struct request *request, const struct field *record)
{
    int error = grow((void **)&request->sysctls, request->sysctl_count, sizeof *request->sysctls, RECORDS_MAX);
    if (error)
        return error;
    struct sysctl *sysctl = &request->sysctls[request->sysctl_count++];
    *sysctl = (struct sysctl){0};
    struct fields fields = fields_in(record);
    struct field field;
    int more;
    while (error == 0 && (more = fields_next(&fields, &field)) != 0) {
        if (more < 0)
            return EINVAL;
        if (field.tag == TAG_NAME)
            error = read_text(&field, &sysctl->name);
        if (field.tag == TAG_CONTENT) {
            sysctl->content = field.value;
            sysctl->length = field.length;
        }
    }
    return error == 0 && !sysctl->name ? EINVAL : error;
}

static int read_type(struct field *field, struct mount *mount)
{
    const char *type = field_text(field);
    if (type && strcmp(type, "virtiofs") == 0)
        mount->kind = MOUNT_SHARE;
    else if (type && strcmp(type, "ext4") == 0)
        mount->kind = MOUNT_DISK;
    else if (type && strcmp(type, "disk") == 0)
        mount->kind = MOUNT_FILE_SYSTEM;
    else if (type && strcmp(type, "nfs") == 0)
        mount->kind = MOUNT_NFS;
    else if (type && strcmp(type, "socket") == 0)
        mount->kind = MOUNT_SOCKET;
    else
        return EINVAL;
    return 0;
}

/* What a MOUNT of its kind must say. */
static bool is_whole(const struct mount *mount)
{
    switch (mount->kind) {
    case MOUNT_SHARE: case MOUNT_DISK: case MOUNT_NFS: return mount->name && mount->source;
    case MOUNT_FILE_SYSTEM: return mount->name;
    case MOUNT_SOCKET: return mount->source;
    default: return false;
    }
}

static int read_mount(struct mount *mount, const struct field *record)
{
    struct fields fields = fields_in(record);
    struct field field;
    int more, error = 0;
    while (error == 0 && (more = fields_next(&fields, &field)) != 0) {
        if (more < 0)
            return EINVAL;
        switch (field.tag) {
        case TAG_PATH: error = read_text(&field, &mount->path); break;
        case TAG_OPTIONS: error = read_text(&field, &mount->options); break;
        case TAG_TYPE: error = read_type(&field, mount); break;
        case TAG_NAME: error = read_text(&field, &mount->name); break;
        case TAG_SOURCE: error = read_text(&field, &mount->source); break;
        case TAG_FSTYPE: error = read_text(&field, &mount->fstype); break;
        case TAG_PARTITION: error = read_integer(&field, &mount->partition); break;
        case TAG_READONLY: error = read_flag(&field, &mount->readonly); break;
        case TAG_SEED: error = read_flag(&field, &mount->seed); break;
        case TAG_MODE: error = read_integer(&field, &mount->mode); break;
        case TAG_UID: error = read_integer(&field, &mount->uid); break;
        case TAG_GID: error = read_integer(&field, &mount->gid); break;
        case TAG_USER: error = read_text(&field, &mount->user); break;
        case TAG_CONTENT: mount->content = field.value; mount->length = field.length; break;
        default: break;
        }
    }
    if (error == 0 && record->tag == TAG_MOUNT && !is_whole(mount))
        return EINVAL;
    return error == 0 && (!mount->path || mount->path[0] != '/') ? EINVAL : error;
}

static int add_mount(struct request *request, const struct field *record)
{
    int error = grow((void **)&request->mounts, request->mount_count, sizeof *request->mounts, RECORDS_MAX);
    if (error)
        return error;
    struct mount *mount = &request->mounts[request->mount_count++];
    *mount = (struct mount){.kind = MOUNT_TMPFS, .mode = 0644};
    if (record->tag == TAG_FILE)
        mount->kind = MOUNT_FILE;
    if (record->tag == TAG_VOLUME)
        mount->kind = MOUNT_VOLUME;
    return read_mount(mount, record);
}

static int add_rlimit(struct request *request, const struct field *record)
{
    int error = grow((void **)&request->rlimits, request->rlimit_count, sizeof *request->rlimits, RECORDS_MAX);
    if (error)
        return error;
    struct rlimit_request *rlimit = &request->rlimits[request->rlimit_count++];
    *rlimit = (struct rlimit_request){.soft = UNLIMITED, .hard = UNLIMITED};
    struct fields fields = fields_in(record);
    struct field field;
    int more;
    while (error == 0 && (more = fields_next(&fields, &field)) != 0) {
        if (more < 0)
            return EINVAL;
        switch (field.tag) {
        case TAG_NAME: error = read_text(&field, &rlimit->name); break;
        case TAG_SOFT: error = read_integer(&field, &rlimit->soft); break;
        case TAG_HARD: error = read_integer(&field, &rlimit->hard); break;
        default: break;
        }
    }
    return error == 0 && !rlimit->name ? EINVAL : error;
}

static int read_field(struct request *request, struct field *field)
{
    switch (field->tag) {
    case TAG_ID: return read_integer(field, &request->id);
    case TAG_OP: return read_integer(field, &request->operation);
    case TAG_PROCESS: return read_integer(field, &request->process);
    case TAG_CONTAINER: return read_integer(field, &request->container);
    case TAG_SIGNAL: return read_integer(field, &request->signal);
    case TAG_STREAM: return read_integer(field, &request->stream);
    case TAG_CLOCK: return read_integer(field, &request->clock);
    case TAG_ENTROPY: request->entropy = field->value; request->entropy_length = field->length; return 0;
    case TAG_HOSTNAME: return read_text(field, &request->hostname);
    case TAG_NIC: return add_nic(request, field);
    case TAG_SERVICE: return add_service(request, field);
    case TAG_SYSCTL: return add_sysctl(request, field);
    case TAG_ROOT: return read_text(field, &request->root);
    case TAG_SCRATCH: return read_text(field, &request->scratch);
    case TAG_SCRATCH_SIZE: return read_integer(field, &request->scratch_size);
    case TAG_CPU_MAX: return read_text(field, &request->cpu_max);
    case TAG_READONLY: return read_flag(field, &request->readonly);
    case TAG_FROZEN: return read_flag(field, &request->frozen);
    case TAG_GROUP: return read_flag(field, &request->group);
    case TAG_STANDBY: return read_flag(field, &request->standby);
    case TAG_TMPFS: case TAG_FILE: case TAG_VOLUME: case TAG_MOUNT: return add_mount(request, field);
    case TAG_SHM_SIZE: return read_integer(field, &request->shm_size);
    case TAG_PIDS_MAX: return read_integer(field, &request->pids_max);
    case TAG_MEMORY_MAX: return read_integer(field, &request->memory_max);
    case TAG_ARG: return add_text(field, &request->arguments, &request->argument_count);
    case TAG_ENV: return add_text(field, &request->environment, &request->environment_count);
    case TAG_CWD: return read_text(field, &request->cwd);
    case TAG_USER: return read_text(field, &request->user);
    case TAG_TTY: return read_flag(field, &request->tty);
    case TAG_ROWS: return read_integer(field, &request->rows);
    case TAG_COLS: return read_integer(field, &request->columns);
    case TAG_STDIN: return read_flag(field, &request->takes_stdin);
    case TAG_RLIMIT: return add_rlimit(request, field);
    case TAG_CAPS: return read_integer(field, &request->capabilities);
    case TAG_TASK: return read_integer(field, &request->task);
    default: return 0;
    }
}

struct message message_copy(const uint8_t *bytes, size_t length)
{
    struct message message = {.bytes = malloc(length + 1), .length = length};
    if (message.bytes)
        memcpy(message.bytes, bytes, length);
    return message;
}

/* execve wants a NULL at the end. */
static int end_list(char ***list, size_t count)
{
    int error = grow((void **)list, count, sizeof **list, TEXTS_MAX + 1);
    if (error == 0)
        (*list)[count] = NULL;
    return error;
}

int request_decode(struct request *request, uint8_t *payload, size_t length)
{
    *request = (struct request){.capabilities = UINT64_MAX};
    struct fields fields = fields_of(payload, length);
    struct field field;
    int more;
    /* An error does not end the reading: the ID is needed for the answer. */
    int error = 0;
    while ((more = fields_next(&fields, &field)) > 0) {
        int problem = read_field(request, &field);
        if (problem)
            error = problem;
    }
    if (more < 0)
        error = EINVAL;
    if (error == 0)
        error = end_list(&request->arguments, request->argument_count);
    if (error == 0)
        error = end_list(&request->environment, request->environment_count);
    return error;
}

void request_free(struct request *request)
{
    for (size_t i = 0; i < request->nic_count; i++) {
        free(request->nics[i].addresses);
        free(request->nics[i].gateways);
    }
    free(request->nics);
    for (size_t i = 0; i < request->service_count; i++)
        free(request->services[i].hosts);
    free(request->services);
    for (size_t i = 0; i < request->mount_count; i++)
        free(request->mounts[i].updated);
    free(request->sysctls);
    free(request->mounts);
    free(request->arguments);
    free(request->environment);
    free(request->rlimits);
    *request = (struct request){0};
}
