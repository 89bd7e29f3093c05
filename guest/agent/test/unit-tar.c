/* Archives that are written and read again, those that others write, and those that nobody should. */
#include "check.h"
#include "links.h"
#include "source.h"
#include "tar.h"
#include "unpack.h"

#include <stdlib.h>
#include <string.h>

static struct tar_reader open_archive(struct source *source, const struct buffer *archive, size_t piece)
{
    struct tar_reader reader;
    *source = (struct source){.at = archive->bytes, .left = archive->length, .piece = piece};
    tar_open(&reader, read_source, source);
    return reader;
}

static void what_is_written_is_read(void)
{
    char name[3001], link[400];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    memset(link, 'l', sizeof link - 1);
    link[sizeof link - 1] = 0;
    const struct tar_xattr xattrs[] = {{"user.note", (const uint8_t *)"a\0b=\n", 5}, {"security.capability", (const uint8_t *)"", 0}};
    const struct tar_entry entries[] = {
        {.type = TAR_FILE, .name = "plain", .link = "", .mode = 04755, .uid = 1, .gid = 2, .size = 5, .mtime = {.tv_sec = 1234567890}},
        {.type = TAR_FILE, .name = name, .link = "", .uid = 3000000000U, .gid = 4294967294U, .mtime = {.tv_sec = -5}, .xattrs = xattrs, .xattr_count = 2},
        {.type = TAR_SYMLINK, .name = "link", .link = link, .mode = 0777},
        {.type = TAR_CHARACTER, .name = "null", .link = "", .major = 1, .minor = 3},
        {.type = TAR_FOLDER, .name = "folder/", .link = "", .mode = 01777},
    };
    for (size_t piece = 1; piece < 2000; piece = piece * 7 + 1) {
        struct buffer archive;
        struct source source;
        struct tar_entry entry;
        uint8_t bytes[16];
        buffer_init(&archive, 1 << 20);
        for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
            tar_put(&archive, &entries[i]);
            if (entries[i].size)
                buffer_append(&archive, "12345", 5);
            tar_put_padding(&archive, entries[i].size);
        }
        tar_put_end(&archive);
        CHECK(!archive.failed && archive.length % TAR_BLOCK == 0);
        struct tar_reader reader = open_archive(&source, &archive, piece);
        for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
            const struct tar_entry *wanted = &entries[i];
            CHECK(tar_next(&reader, &entry) == 1);
            CHECK(entry.type == wanted->type && strcmp(entry.name, wanted->name) == 0 && strcmp(entry.link, wanted->link) == 0);
            CHECK(entry.mode == wanted->mode && entry.uid == wanted->uid && entry.gid == wanted->gid && entry.size == wanted->size);
            CHECK(entry.mtime.tv_sec == wanted->mtime.tv_sec && entry.mtime.tv_nsec == 0);
            CHECK(entry.major == wanted->major && entry.minor == wanted->minor && entry.xattr_count == wanted->xattr_count);
            for (size_t x = 0; x < entry.xattr_count; x++)
                CHECK(strcmp(entry.xattrs[x].name, xattrs[x].name) == 0 && entry.xattrs[x].length == xattrs[x].length &&
                      memcmp(entry.xattrs[x].value, xattrs[x].value, xattrs[x].length) == 0);
            if (i == 0 && piece > 5)
                CHECK(tar_read(&reader, bytes, 3) == 3 && memcmp(bytes, "123", 3) == 0); /* the rest is skipped */
        }
        CHECK(tar_next(&reader, &entry) == 0);
        tar_close(&reader);
        buffer_free(&archive);
    }
}

static void put_block(struct buffer *archive, char type, const char *name, const char *size)
{
    uint8_t block[TAR_BLOCK] = {0};
    unsigned int sum = 0;
    memcpy(block, name, strlen(name));
    memcpy(block + 100, "644", 3);
    memcpy(block + 124, size, strlen(size));
    block[156] = (uint8_t)type;
    memset(block + 148, ' ', 8);
    memcpy(block + 257, "ustar  ", 7);
    for (size_t i = 0; i < sizeof block; i++)
        sum += block[i];
    (void)snprintf((char *)block + 148, 8, "%06o", sum);
    buffer_append(archive, block, sizeof block);
}

static void put_body(struct buffer *archive, const char *text)
{
    buffer_append(archive, text, strlen(text));
    tar_put_padding(archive, strlen(text));
}

/* What tar_next says first of an archive, and in `name` the name. */
static int first_of(struct buffer *archive, char name[128], const char **why)
{
    struct source source;
    struct tar_entry entry = {.name = ""};
    struct tar_reader reader = open_archive(&source, archive, 4096);
    int more = tar_next(&reader, &entry);
    (void)snprintf(name, 128, "%s", more == 1 ? entry.name : "");
    *why = reader.why ? reader.why : "";
    tar_close(&reader);
    buffer_free(archive);
    return more;
}

static void others_archives_are_read(void)
{
    struct buffer archive;
    char name[128];
    const char *why;
    buffer_init(&archive, 1 << 20);
    put_block(&archive, 'L', "././@LongLink", "10");
    put_body(&archive, "longname");
    put_block(&archive, 0, "short", "0");
    CHECK(first_of(&archive, name, &why) == 1 && strcmp(name, "longname") == 0);
    put_block(&archive, 'g', "global", "13");
    put_body(&archive, "11 comment=");
    put_block(&archive, '0', "after", "0");
    CHECK(first_of(&archive, name, &why) == 1 && strcmp(name, "after") == 0);
    put_block(&archive, 'x', "pax", "20");
    put_body(&archive, "16 path=renamed\n");
    put_block(&archive, '0', "short", "0");
    CHECK(first_of(&archive, name, &why) == 1 && strcmp(name, "renamed") == 0);
    buffer_append(&archive, (uint8_t[2 * TAR_BLOCK]){0}, 2 * TAR_BLOCK);
    CHECK(first_of(&archive, name, &why) == 0);
    CHECK(first_of(&archive, name, &why) == 0); /* nothing at all */
}

static void bad_archives_are_refused(void)
{
    static const char *const records[] = {
        "99 path=toolong\n", "8 path=x\n", "x path=y\n", "9 size=-1\n", "20 size=1234567890a\n", "6 =xyz\n", "0 path=a\n", "22 GNU.sparse.major=1\n", "11 mtime=x\n\n",
    };
    struct buffer archive;
    char name[128];
    const char *why;
    buffer_init(&archive, 1 << 20);
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        char size[16];
        (void)snprintf(size, sizeof size, "%zo", strlen(records[i]));
        put_block(&archive, 'x', "pax", size);
        put_body(&archive, records[i]);
        put_block(&archive, '0', "short", "0");
        CHECK(first_of(&archive, name, &why) == -1 && *why);
    }
    put_block(&archive, '0', "short", "0");
    archive.bytes[0] = 'S';
    CHECK(first_of(&archive, name, &why) == -1 && strstr(why, "checksum"));
    put_block(&archive, 'S', "sparse", "0");
    CHECK(first_of(&archive, name, &why) == -1 && strstr(why, "sparse"));
    put_block(&archive, 'Z', "odd", "0");
    CHECK(first_of(&archive, name, &why) == -1);
    put_block(&archive, 'L', "long", "77777777777");
    CHECK(first_of(&archive, name, &why) == -1 && strstr(why, "too long"));
    put_block(&archive, '0', "number", "9");
    CHECK(first_of(&archive, name, &why) == -1);
    put_block(&archive, 'L', "long", "4");
    CHECK(first_of(&archive, name, &why) == -1 && strstr(why, "ends"));
}

static void names_stay_below(void)
{
    static const char *const cases[][2] = {
        {"a/b", "a/b"}, {"./a//b/", "a/b"}, {"/etc/passwd", "etc/passwd"}, {"a/../b", "b"}, {"a/b/../../c", "c"}, {".", ""},
        {"", ""},       {"..", NULL},       {"a/../..", NULL},             {"/../x", NULL}, {"..a/...", "..a/..."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%s", cases[i][0]);
        bool good = unpack_clean(name);
        CHECK(good == (cases[i][1] != NULL) && (!good || strcmp(name, cases[i][1]) == 0));
    }
}

static void second_names_are_links(void)
{
    struct links links = {0};
    char name[32];
    for (unsigned int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof name, "file-%u", i);
        CHECK(!links_note(&links, &(struct stat){.st_dev = i % 2, .st_ino = i}, name));
    }
    for (unsigned int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof name, "file-%u", i);
        const char *first = links_note(&links, &(struct stat){.st_dev = i % 2, .st_ino = i}, "other");
        CHECK(first && strcmp(first, name) == 0);
    }
    links_free(&links);
}

int main(void)
{
    what_is_written_is_read();
    others_archives_are_read();
    bad_archives_are_refused();
    names_stay_below();
    second_names_are_links();
    return checks_end();
}
