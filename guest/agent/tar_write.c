#include "tar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OCTAL_8 07777777ULL
#define OCTAL_12 077777777777ULL

static const uint8_t zeros[2 * TAR_BLOCK];

/* POSIX.1-1988: octal digits and a terminator. What does not fit stands in the pax header, and 0 here. */
static void put_octal(uint8_t *field, size_t size, uint64_t number, uint64_t largest)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%0*" PRIo64, (int)size - 1, number > largest ? 0 : number);
    memcpy(field, text, size);
}

static void put_text(uint8_t *field, size_t size, const char *text)
{
    size_t length = strlen(text);
    memcpy(field, text, length < size ? length : size);
}

static void put_header(struct buffer *archive, const struct tar_entry *entry)
{
    uint8_t block[TAR_BLOCK] = {0};
    unsigned int sum = 0;
    put_text(block, 100, entry->name);
    put_octal(block + 100, 8, entry->mode, OCTAL_8);
    put_octal(block + 108, 8, entry->uid, OCTAL_8);
    put_octal(block + 116, 8, entry->gid, OCTAL_8);
    put_octal(block + 124, 12, entry->size, OCTAL_12);
    put_octal(block + 136, 12, entry->mtime.tv_sec < 0 ? OCTAL_12 + 1 : (uint64_t)entry->mtime.tv_sec, OCTAL_12);
    memset(block + 148, ' ', 8);
    block[156] = (uint8_t)entry->type;
    put_text(block + 157, 100, entry->link);
    memcpy(block + 257, "ustar\00000", 8);
    put_octal(block + 329, 8, entry->major, OCTAL_8);
    put_octal(block + 337, 8, entry->minor, OCTAL_8);
    for (size_t i = 0; i < sizeof block; i++)
        sum += block[i];
    (void)snprintf((char *)block + 148, 8, "%06o", sum);
    buffer_append(archive, block, sizeof block);
}

/* `length key=value\n`; the length counts itself. */
static void put_record(struct buffer *records, const char *prefix, const char *key, const void *value, size_t size)
{
    char head[32];
    size_t rest = 1 + strlen(prefix) + strlen(key) + 1 + size + 1, length = rest, digits;
    do {
        digits = (size_t)snprintf(head, sizeof head, "%zu ", length) - 1;
        if (rest + digits == length)
            break;
        length = rest + digits;
    } while (true);
    buffer_append(records, head, strlen(head));
    buffer_append(records, prefix, strlen(prefix));
    buffer_append(records, key, strlen(key));
    buffer_append(records, "=", 1);
    buffer_append(records, value, size);
    buffer_append(records, "\n", 1);
}

static void put_text_record(struct buffer *records, const char *key, const char *text)
{
    put_record(records, "", key, text, strlen(text));
}

static void put_number_record(struct buffer *records, const char *key, uint64_t number, uint64_t largest)
{
    char text[24];
    if (number <= largest)
        return;
    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    put_text_record(records, key, text);
}

static void put_time_record(struct buffer *records, time_t seconds)
{
    char text[24];
    if (seconds >= 0 && (uint64_t)seconds <= OCTAL_12)
        return;
    (void)snprintf(text, sizeof text, "%" PRId64, (int64_t)seconds);
    put_text_record(records, "mtime", text);
}

void tar_put(struct buffer *archive, const struct tar_entry *entry)
{
    struct buffer records;
    buffer_init(&records, TAR_EXTENSION_MAX);
    if (strlen(entry->name) > 100)
        put_text_record(&records, "path", entry->name);
    if (strlen(entry->link) > 100)
        put_text_record(&records, "linkpath", entry->link);
    put_number_record(&records, "size", entry->size, OCTAL_12);
    put_number_record(&records, "uid", entry->uid, OCTAL_8);
    put_number_record(&records, "gid", entry->gid, OCTAL_8);
    put_time_record(&records, entry->mtime.tv_sec);
    for (size_t i = 0; i < entry->xattr_count; i++)
        put_record(&records, "SCHILY.xattr.", entry->xattrs[i].name, entry->xattrs[i].value, entry->xattrs[i].length);
    if (records.length > 0) {
        put_header(archive, &(struct tar_entry){.type = 'x', .name = "PaxHeaders", .link = "", .mode = 0644, .size = records.length});
        buffer_append(archive, records.bytes, records.length);
        tar_put_padding(archive, records.length);
    }
    archive->failed |= records.failed;
    buffer_free(&records);
    put_header(archive, entry);
}

void tar_put_padding(struct buffer *archive, uint64_t size)
{
    buffer_append(archive, zeros, (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

void tar_put_end(struct buffer *archive)
{
    buffer_append(archive, zeros, sizeof zeros);
}
