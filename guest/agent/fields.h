#ifndef FIELDS_H
#define FIELDS_H

#include "buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The fields of docs/agent-protocol.md: tag:u8 length:u32 value. */
enum tag {
    TAG_ID = 1, TAG_OP, TAG_STATUS, TAG_MESSAGE, TAG_SEQ, TAG_EVENT, TAG_VERSION, TAG_NONCE, TAG_PROCESS, TAG_CONTAINER,
    TAG_CLOCK = 11, TAG_ENTROPY, TAG_HOSTNAME, TAG_NIC, TAG_NAME, TAG_MAC, TAG_ADDRESS, TAG_GATEWAY, TAG_MTU, TAG_AGENT,
    TAG_STATE = 21, TAG_PID, TAG_CODE, TAG_SIGNAL, TAG_OOM, TAG_FAILURE, TAG_TIME, TAG_UPTIME, TAG_SYSCTL,
    TAG_SERIAL = 30, TAG_PATH, TAG_OPTIONS, TAG_MODE, TAG_UID, TAG_GID, TAG_CONTENT, TAG_READONLY, TAG_TMPFS, TAG_FILE,
    TAG_VOLUME = 40, TAG_SHM_SIZE, TAG_ROOT, TAG_SCRATCH, TAG_MOUNT, TAG_TYPE, TAG_SOURCE, TAG_SEED, TAG_FSTYPE,
    TAG_PARTITION = 49, TAG_ARG, TAG_ENV, TAG_CWD, TAG_USER, TAG_TTY, TAG_ROWS, TAG_COLS, TAG_STDIN, TAG_RLIMIT, TAG_SOFT,
    TAG_HARD = 60, TAG_CAPS, TAG_PIDS_MAX, TAG_MEMORY_MAX, TAG_CPU_MAX, TAG_STREAM, TAG_STANDBY, TAG_GROUP,
    TAG_FROZEN = 80, TAG_TASK,
    TAG_SERVICE = 90, TAG_HOST, TAG_PORT, TAG_PROTOCOL, TAG_SCRATCH_SIZE,
};

struct fields {
    uint8_t *at;
    uint8_t *end;
};

struct field {
    uint8_t tag;
    uint8_t *value;
    size_t length;
};

struct fields fields_of(uint8_t *payload, size_t length);
struct fields fields_in(const struct field *record);

/* 1: one more field, 0: the end, -1: the bytes are not fields. */
int fields_next(struct fields *fields, struct field *field);

bool field_integer(const struct field *field, uint64_t *integer);

/* The value as a C string, or NULL when it holds a zero byte. The value is moved one byte down, over its own header, to
 * make room for the terminator: nothing is allocated, and the field cannot be read a second time. */
char *field_text(struct field *field);

void put_bytes(struct buffer *buffer, enum tag tag, const void *value, size_t length);
void put_integer(struct buffer *buffer, enum tag tag, uint64_t value);
void put_text(struct buffer *buffer, enum tag tag, const char *text);

#endif
