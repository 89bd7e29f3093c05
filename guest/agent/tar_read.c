#include "tar.h"

#include <stdlib.h>
#include <string.h>

#define NAME_FIELD 100
#define PREFIX_FIELD 155

static int wrong(struct tar_reader *reader, const char *why)
{
    reader->why = why;
    return -1;
}

/* 1: all of it, 0: the end came at its very beginning, -1. */
static int read_all(struct tar_reader *reader, void *bytes, size_t length)
{
    uint8_t *at = bytes;
    size_t done = 0;
    while (done < length) {
        ssize_t part = reader->read(reader->source, at + done, length - done);
        if (part < 0)
            return wrong(reader, "it cannot be read");
        if (part == 0)
            return done == 0 ? 0 : wrong(reader, "it ends in the middle of an entry");
        done += (size_t)part;
    }
    return 1;
}

/* Octal text, or base-256 where the first bit is set (GNU); false: neither, or too large. */
static bool read_number(const uint8_t *field, size_t size, int64_t *number)
{
    uint64_t value = 0;
    size_t at = 0;
    if (*field & 0x80) {
        bool negative = *field & 0x40;
        for (size_t i = 0; i < size; i++) {
            uint8_t byte = i == 0 ? (uint8_t)(negative ? *field | 0x80 : *field & 0x7f) : field[i];
            if (i + 8 < size && byte != (negative ? 0xff : 0))
                return false;
            value = value << 8 | byte;
        }
        *number = (int64_t)value;
        return size >= 8 || !negative;
    }
    while (at < size && (field[at] == ' ' || field[at] == 0))
        at++;
    for (; at < size && field[at] >= '0' && field[at] <= '7'; at++)
        value = value << 3 | (uint64_t)(field[at] - '0');
    *number = (int64_t)value;
    return at == size || field[at] == ' ' || field[at] == 0;
}

static bool read_decimal(const char *text, size_t length, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || i >= 18)
            return false;
        *number = *number * 10 + (uint64_t)(text[i] - '0');
    }
    return length > 0;
}

/* `-1.5` or `1350244992.023960108`. */
static bool read_time(const char *text, struct timespec *time)
{
    bool negative = *text == '-';
    uint64_t seconds;
    long nanoseconds = 0, unit = 100000000;
    text += negative;
    size_t whole = strcspn(text, ".");
    if (!read_decimal(text, whole, &seconds))
        return false;
    for (const char *at = text + whole + (text[whole] == '.'); *at && unit > 0; at++, unit /= 10) {
        if (*at < '0' || *at > '9')
            return false;
        nanoseconds += unit * (*at - '0');
    }
    *time = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = nanoseconds};
    if (negative)
        *time = (struct timespec){.tv_sec = -(time_t)seconds - (nanoseconds > 0), .tv_nsec = nanoseconds > 0 ? 1000000000 - nanoseconds : 0};
    return true;
}

static bool sum_is_right(const uint8_t *block)
{
    int64_t expected, sum = 0, of_signed = 0; /* as some old writers sum */
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        uint8_t byte = i >= 148 && i < 156 ? ' ' : block[i];
        sum += byte;
        of_signed += (int8_t)byte;
    }
    return read_number(block + 148, 8, &expected) && (expected == sum || expected == of_signed);
}

static bool is_zero(const uint8_t *block)
{
    for (size_t i = 0; i < TAR_BLOCK; i++)
        if (block[i])
            return false;
    return true;
}

static void set_text(struct buffer *buffer, const void *prefix, size_t prefix_length, const void *text, size_t length)
{
    buffer->length = 0;
    if (prefix_length > 0) {
        buffer_append(buffer, prefix, prefix_length);
        buffer_append(buffer, "/", 1);
    }
    buffer_append(buffer, text, length);
    buffer_append(buffer, "", 1);
}

static size_t field_length(const uint8_t *field, size_t size)
{
    const uint8_t *end = memchr(field, 0, size);
    return end ? (size_t)(end - field) : size;
}

/* The body of an extension header. */
static int read_extension(struct tar_reader *reader, int64_t size, struct buffer *body)
{
    uint8_t block[TAR_BLOCK];
    if (size < 0 || size > TAR_EXTENSION_MAX)
        return wrong(reader, "an extension header is too long");
    body->length = 0;
    for (size_t left = (size_t)size; left > 0;) {
        int more = read_all(reader, block, sizeof block);
        if (more <= 0)
            return more < 0 ? -1 : wrong(reader, "it ends in the middle of an entry");
        size_t part = left < sizeof block ? left : sizeof block;
        buffer_append(body, block, part);
        left -= part;
    }
    buffer_append(body, "", 1);
    return body->failed ? wrong(reader, "no memory for an extension header") : 1;
}

static int add_xattr(struct tar_reader *reader, const char *name, const uint8_t *value, size_t length)
{
    if (reader->xattr_count == reader->xattr_capacity) {
        size_t capacity = reader->xattr_capacity ? 2 * reader->xattr_capacity : 8;
        struct tar_xattr *larger = realloc(reader->xattrs, capacity * sizeof *larger);
        if (!larger)
            return wrong(reader, "no memory for an extension header");
        reader->xattrs = larger;
        reader->xattr_capacity = capacity;
    }
    reader->xattrs[reader->xattr_count++] = (struct tar_xattr){.name = name, .value = value, .length = length};
    return 0;
}

/* What a record says; key and value are ended by a zero byte, which a text may not hold besides. */
static int apply_record(struct tar_reader *reader, struct tar_entry *entry, const char *key, const uint8_t *value, size_t length)
{
    static const char xattr[] = "SCHILY.xattr.";
    const char *text = (const char *)value;
    bool is_text = !memchr(value, 0, length), good = is_text;
    uint64_t number = 0;
    if (strncmp(key, xattr, sizeof xattr - 1) == 0)
        return add_xattr(reader, key + sizeof xattr - 1, value, length);
    if (strncmp(key, "GNU.sparse.", 11) == 0)
        return wrong(reader, "it has a sparse file: make it without --sparse");
    if (length == 0)
        return 0; /* takes back what a global header said */
    if (strcmp(key, "path") == 0)
        entry->name = text;
    else if (strcmp(key, "linkpath") == 0)
        entry->link = text;
    else if (strcmp(key, "mtime") == 0)
        good = is_text && read_time(text, &entry->mtime);
    else if (strcmp(key, "size") == 0 && (good = read_decimal(text, length, &number)))
        entry->size = number;
    else if (strcmp(key, "uid") == 0 && (good = read_decimal(text, length, &number) && number < UINT32_MAX))
        entry->uid = (uint32_t)number;
    else if (strcmp(key, "gid") == 0 && (good = read_decimal(text, length, &number) && number < UINT32_MAX))
        entry->gid = (uint32_t)number;
    else
        good = good || (strcmp(key, "size") != 0 && strcmp(key, "uid") != 0 && strcmp(key, "gid") != 0);
    return good ? 0 : wrong(reader, "a PAX record is malformed");
}

/* The last record of a key counts. */
static int apply_pax(struct tar_reader *reader, struct tar_entry *entry)
{
    char *at = (char *)reader->pax.bytes;
    size_t left = reader->pax.length ? reader->pax.length - 1 : 0;
    while (left > 0) {
        uint64_t length;
        const char *space = memchr(at, ' ', left < 10 ? left : 10);
        if (!space || !read_decimal(at, (size_t)(space - at), &length) || length > left || length < (size_t)(space - at) + 4 || at[length - 1] != '\n')
            return wrong(reader, "a PAX record is malformed");
        char *key = at + (space - at) + 1, *end = at + length - 1, *equals = memchr(key, '=', (size_t)(end - key));
        if (!equals || equals == key || memchr(key, 0, (size_t)(equals - key)))
            return wrong(reader, "a PAX record is malformed");
        *equals = 0;
        *end = 0;
        if (apply_record(reader, entry, key, (uint8_t *)equals + 1, (size_t)(end - equals) - 1) != 0)
            return -1;
        at += length;
        left -= length;
    }
    return 0;
}

static int read_header(struct tar_reader *reader, struct tar_entry *entry, int64_t *size)
{
    const uint8_t *block = reader->block;
    int64_t mode, uid, gid, mtime, major = 0, minor = 0;
    if (!sum_is_right(block))
        return wrong(reader, "a header does not match its checksum");
    *entry = (struct tar_entry){.type = block[156] == 0 || block[156] == '7' ? TAR_FILE : (char)block[156]};
    bool device = entry->type == TAR_CHARACTER || entry->type == TAR_DEVICE;
    if (!read_number(block + 100, 8, &mode) || !read_number(block + 108, 8, &uid) || !read_number(block + 116, 8, &gid) ||
        !read_number(block + 124, 12, size) || !read_number(block + 136, 12, &mtime) ||
        (device && (!read_number(block + 329, 8, &major) || !read_number(block + 337, 8, &minor))))
        return wrong(reader, "a header has a number that is none");
    if (*size < 0 || uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX || major < 0 || minor < 0 || major > 0xfffff || minor > 0xfffff)
        return wrong(reader, "a header has a number that is out of range");
    entry->mode = (uint32_t)mode & 07777;
    entry->uid = (uint32_t)uid;
    entry->gid = (uint32_t)gid;
    entry->major = (uint32_t)major;
    entry->minor = (uint32_t)minor;
    entry->size = (uint64_t)*size;
    entry->mtime.tv_sec = mtime;
    return 0;
}

/* The names of the header itself, where nothing ahead of it has said others. */
static int name_entry(struct tar_reader *reader, struct tar_entry *entry, bool long_name, bool long_link)
{
    const uint8_t *block = reader->block;
    /* GNU's header has times where ustar has the prefix. */
    size_t prefix = memcmp(block + 257, "ustar", 6) == 0 ? field_length(block + 345, PREFIX_FIELD) : 0;
    if (!long_name)
        set_text(&reader->name, block + 345, prefix, block, field_length(block, NAME_FIELD));
    if (!long_link)
        set_text(&reader->link, NULL, 0, block + 157, field_length(block + 157, NAME_FIELD));
    if (reader->name.failed || reader->link.failed)
        return wrong(reader, "no memory for a name");
    entry->name = (const char *)reader->name.bytes;
    entry->link = (const char *)reader->link.bytes;
    return 0;
}

static int finish_entry(struct tar_reader *reader, struct tar_entry *entry, bool long_name, bool long_link)
{
    if (name_entry(reader, entry, long_name, long_link) != 0 || apply_pax(reader, entry) != 0)
        return -1;
    if (entry->type == 'S')
        return wrong(reader, "it has a sparse file: make it without --sparse");
    if (entry->type == 'D') /* GNU's incremental dumps: its body is a list of names */
        entry->type = TAR_FOLDER;
    else if (entry->type < TAR_FILE || entry->type > TAR_FIFO)
        return wrong(reader, "it has an entry of an unknown type");
    else if (entry->type != TAR_FILE)
        entry->size = 0; /* as Go's archive/tar, and so Docker: whatever it says */
    size_t length = strlen(entry->name);
    if (entry->type == TAR_FILE && length > 0 && entry->name[length - 1] == '/') { /* before ustar folders were files */
        entry->type = TAR_FOLDER;
    }
    entry->xattrs = reader->xattrs;
    entry->xattr_count = reader->xattr_count;
    reader->left = entry->size;
    reader->padding = (TAR_BLOCK - entry->size % TAR_BLOCK) % TAR_BLOCK;
    return 1;
}

static int skip_rest(struct tar_reader *reader)
{
    uint8_t bytes[16384];
    for (uint64_t left = reader->left + reader->padding; left > 0;) {
        size_t part = left < sizeof bytes ? (size_t)left : sizeof bytes;
        int more = read_all(reader, bytes, part);
        if (more <= 0)
            return more < 0 ? -1 : wrong(reader, "it ends in the middle of an entry");
        left -= part;
    }
    reader->left = reader->padding = 0;
    return 0;
}

void tar_open(struct tar_reader *reader, ssize_t (*read)(void *, void *, size_t), void *source)
{
    *reader = (struct tar_reader){.read = read, .source = source};
    buffer_init(&reader->name, TAR_EXTENSION_MAX + 1);
    buffer_init(&reader->link, TAR_EXTENSION_MAX + 1);
    buffer_init(&reader->pax, TAR_EXTENSION_MAX + 1);
}

int tar_next(struct tar_reader *reader, struct tar_entry *entry)
{
    bool long_name = false, long_link = false;
    reader->pax.length = 0;
    reader->xattr_count = 0;
    if (skip_rest(reader) != 0)
        return -1;
    for (;;) {
        int64_t size;
        int more = read_all(reader, reader->block, TAR_BLOCK);
        if (more <= 0 || is_zero(reader->block))
            return more < 0 ? -1 : long_name || long_link || reader->pax.length ? wrong(reader, "it ends after an extension header") : 0;
        if (read_header(reader, entry, &size) != 0)
            return -1;
        switch (entry->type) {
        case 'x': case 'X': more = read_extension(reader, size, &reader->pax); break;
        case 'L': more = read_extension(reader, size, &reader->name); long_name = true; break;
        case 'K': more = read_extension(reader, size, &reader->link); long_link = true; break;
        case 'g': case 'V': /* about all entries, or a volume's label: neither says what an entry is */
            reader->left = (uint64_t)size;
            reader->padding = (TAR_BLOCK - (uint64_t)size % TAR_BLOCK) % TAR_BLOCK;
            more = skip_rest(reader) == 0 ? 1 : -1;
            break;
        default: return finish_entry(reader, entry, long_name, long_link);
        }
        if (more < 0)
            return -1;
    }
}

ssize_t tar_read(struct tar_reader *reader, void *bytes, size_t length)
{
    size_t wanted = reader->left < length ? (size_t)reader->left : length;
    if (wanted == 0)
        return 0;
    ssize_t part = reader->read(reader->source, bytes, wanted);
    if (part < 0)
        return wrong(reader, "it cannot be read");
    if (part == 0)
        return wrong(reader, "it ends in the middle of an entry");
    reader->left -= (uint64_t)part;
    return part;
}

void tar_close(struct tar_reader *reader)
{
    buffer_free(&reader->name);
    buffer_free(&reader->link);
    buffer_free(&reader->pax);
    free(reader->xattrs);
}
