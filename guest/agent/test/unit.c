/* The parts of the agent that need no guest, tested on the host under ASan and UBSan: `make test`. */
#include "check.h"

#include "accounts.h"
#include "fields.h"
#include "frames.h"
#include "options.h"
#include "ring.h"
#include "seed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

struct heard {
    int count;
    uint8_t kind;
    size_t length;
    uint8_t first, last;
};

static void hear(void *context, uint8_t kind, uint8_t *payload, size_t length)
{
    struct heard *heard = context;
    heard->count++;
    heard->kind = kind;
    heard->length = length;
    heard->first = length ? payload[0] : 0;
    heard->last = length ? payload[length - 1] : 0;
}

static struct frame_reader reader;
static struct heard heard;

static void listen(void)
{
    frames_free(&reader);
    heard = (struct heard){0};
    frames_init(&reader, hear, &heard);
}

static void send_frame(uint8_t kind, const uint8_t *payload, size_t length)
{
    uint8_t header[FRAME_HEADER], end = FRAME_END;
    frame_begin(header, kind, length);
    frames_feed(&reader, header, sizeof header);
    frames_feed(&reader, payload, length);
    frames_feed(&reader, &end, 1);
}

static void send_zeros(size_t count)
{
    static const uint8_t zeros[65600];
    frames_feed(&reader, zeros, count);
}

static void frames_are_read(void)
{
    static const uint8_t payload[FRAME_PAYLOAD_MAX] = {7};
    listen();
    send_frame(2, payload, 3);
    CHECK(heard.count == 1 && heard.kind == 2 && heard.length == 3 && heard.first == 7);
    send_zeros(5);
    send_frame(1, payload, 0);
    CHECK(heard.count == 2 && heard.length == 0);
    send_frame(1, payload, FRAME_PAYLOAD_MAX);
    CHECK(heard.count == 3 && heard.length == FRAME_PAYLOAD_MAX);
}

static void frames_come_in_any_pieces(void)
{
    uint8_t frame[] = {0, FRAME_BEGIN, 2, 2, 0, 0, 0, 8, 9, FRAME_END, 0};
    for (size_t cut = 0; cut <= sizeof frame; cut++) {
        listen();
        frames_feed(&reader, frame, cut);
        frames_feed(&reader, frame + cut, sizeof frame - cut);
        CHECK(heard.count == 1 && heard.first == 8 && heard.last == 9);
    }
}

static void messages_are_joined(void)
{
    uint8_t a[] = {1, 2}, b[] = {3};
    listen();
    send_frame(2 | FRAME_MORE, a, 2);
    CHECK(heard.count == 0);
    send_frame(2, b, 1);
    CHECK(heard.count == 1 && heard.length == 3 && heard.first == 1 && heard.last == 3);
    send_frame(2 | FRAME_MORE, a, 2);
    send_frame(1, b, 1); /* HELLO drops what was begun */
    CHECK(heard.count == 2 && heard.kind == 1 && heard.length == 1);
    send_frame(1 | FRAME_MORE, a, 2);
    send_zeros(DELIMITER_ZEROS);
    send_frame(1, b, 1);
    CHECK(heard.count == 3 && heard.length == 1);
}

static void messages_are_bounded(void)
{
    static const uint8_t payload[FRAME_PAYLOAD_MAX];
    listen();
    for (int i = 0; i < 200; i++)
        send_frame(2 | FRAME_MORE, payload, sizeof payload);
    CHECK(reader.joined.capacity <= MESSAGE_MAX);
    CHECK(heard.count == 0);
}

static void delimiter_ends_any_partial_frame(void)
{
    static const uint8_t payload[FRAME_PAYLOAD_MAX] = {[0 ... FRAME_PAYLOAD_MAX - 1] = 'x'};
    const size_t cuts[] = {1, 2, 4, 5, 6, 7, 1000, FRAME_HEADER + FRAME_PAYLOAD_MAX - 1, FRAME_HEADER + FRAME_PAYLOAD_MAX};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        uint8_t header[FRAME_HEADER];
        listen();
        frame_begin(header, 2, FRAME_PAYLOAD_MAX);
        frames_feed(&reader, header, cuts[i] < sizeof header ? cuts[i] : sizeof header);
        if (cuts[i] > sizeof header)
            frames_feed(&reader, payload, cuts[i] - sizeof header);
        send_zeros(65600);
        send_frame(1, payload, 4);
        CHECK(heard.count == 1 && heard.kind == 1 && heard.length == 4);
    }
}

static void lost_reader_waits_for_the_delimiter(void)
{
    static const uint8_t payload[FRAME_PAYLOAD_MAX];
    uint8_t bad_length[] = {FRAME_BEGIN, 2, 0xf1, 0x7f, 0, 0}, stray = 'x';
    listen();
    frames_feed(&reader, bad_length, sizeof bad_length);
    send_frame(2, payload, sizeof payload); /* all zeros, yet no delimiter */
    CHECK(heard.count == 0);
    send_zeros(DELIMITER_ZEROS);
    send_frame(2, payload, 1);
    CHECK(heard.count == 1);
    frames_feed(&reader, &stray, 1);
    send_frame(2, payload, 1);
    CHECK(heard.count == 1);
}

static void fields_are_read_and_written(void)
{
    struct buffer buffer;
    struct field field;
    uint64_t integer = 0;
    buffer_init(&buffer, 1000);
    put_integer(&buffer, TAG_ID, 0x1122334455667788);
    put_text(&buffer, TAG_USER, "someone");
    put_bytes(&buffer, TAG_ENTROPY, "a\0b", 3);
    CHECK(!buffer.failed);
    struct fields fields = fields_of(buffer.bytes, buffer.length);
    CHECK(fields_next(&fields, &field) == 1 && field.tag == TAG_ID && field_integer(&field, &integer) && integer == 0x1122334455667788);
    CHECK(fields_next(&fields, &field) == 1 && !field_integer(&field, &integer));
    const char *text = field_text(&field);
    CHECK(text && strcmp(text, "someone") == 0);
    CHECK(fields_next(&fields, &field) == 1 && field_text(&field) == NULL);
    CHECK(fields_next(&fields, &field) == 0);
    for (size_t cut = 1; cut < 13; cut++) {
        fields = fields_of(buffer.bytes, cut);
        CHECK(fields_next(&fields, &field) == -1);
    }
    put_bytes(&buffer, TAG_CONTENT, buffer.bytes, buffer.length);
    buffer.limit = buffer.length;
    put_integer(&buffer, TAG_ID, 1);
    CHECK(buffer.failed);
    buffer_free(&buffer);
}

static void rings_hold_and_grow(void)
{
    struct ring ring;
    static uint8_t bytes[4 * RING_MIN];
    uint64_t read = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    rings_open(4 * RING_MIN);
    CHECK(ring_open(&ring) && ring_space(&ring) == RING_MIN);
    ring_write(&ring, bytes, RING_MIN);
    CHECK(ring_space(&ring) == 0);
    ring_release(&ring, 100);
    ring_write(&ring, bytes + RING_MIN, 1000); /* 900 too many are dropped */
    CHECK(ring.end == RING_MIN + 100);
    CHECK(ring_grow(&ring, 4 * RING_MIN) && ring_space(&ring) == RING_MIN);
    ring_write(&ring, bytes + RING_MIN + 100, RING_MIN);
    CHECK(!ring_grow(&ring, 2 * RING_MIN));
    CHECK(ring_grow(&ring, 4 * RING_MIN) && !ring_grow(&ring, 8 * RING_MIN) && rings_scarce());
    for (read = ring.start; read < ring.end;) {
        size_t length;
        const uint8_t *part = ring_at(&ring, read, &length);
        CHECK(length && memcmp(part, bytes + read, length) == 0);
        read += length;
    }
    ring_shrink(&ring);
    CHECK(ring.capacity == 4 * RING_MIN);
    ring_release(&ring, ring.end + 5);
    CHECK(ring.start == ring.end);
    ring_shrink(&ring);
    CHECK(ring.capacity == RING_MIN && ring.end == 2 * RING_MIN + 100);
    ring_close(&ring);
}

static int find(struct account *account, const char *user, char why[128])
{
    char passwd[] = "root:x:0:0:root:/root:/bin/sh\n#comment\nbad:x:y:z::\n\napp:x:1000:1001::/home/app:/bin/sh\nnohome:x:7:8:::\n5:x:50:51::/five:";
    char group[] = "root:x:0:\nwheel:x:10:root,app\napp:x:1001:\nlast:x:99:x,app";
    return account_find(account, user, passwd, group, why, 128);
}

static void accounts_are_found(void)
{
    static struct account account;
    char why[128];
    CHECK(find(&account, "", why) == 0 && account.uid == 0 && account.gid == 0 && strcmp(account.home, "/root") == 0);
    CHECK(account.group_count == 1 && account.groups[0] == 10);
    CHECK(find(&account, "app", why) == 0 && account.uid == 1000 && account.gid == 1001 && account.group_count == 2 && account.groups[1] == 99);
    CHECK(find(&account, "1000", why) == 0 && account.gid == 1001 && strcmp(account.home, "/home/app") == 0 && account.group_count == 2);
    CHECK(find(&account, "app:wheel", why) == 0 && account.gid == 10 && account.group_count == 0);
    CHECK(find(&account, "4000:5000", why) == 0 && account.uid == 4000 && account.gid == 5000 && strcmp(account.home, "/") == 0);
    CHECK(find(&account, "4000", why) == 0 && account.gid == 0);
    CHECK(find(&account, "5", why) == 0 && account.uid == 50);
    CHECK(find(&account, "nohome", why) == 0 && strcmp(account.home, "/") == 0);
    CHECK(find(&account, "none", why) != 0 && strcmp(why, "unable to find user none: no matching entries in passwd file") == 0);
    CHECK(find(&account, "app:none", why) != 0 && strcmp(why, "unable to find group none: no matching entries in group file") == 0);
    CHECK(find(&account, "2147483648", why) != 0 && strstr(why, "range"));
}

static void options_are_parted(void)
{
    struct mount_options options = {.flags = MS_NOSUID | MS_NOEXEC};
    CHECK(options_parse(&options, "rw,exec,size=64m,,mode=1777,ro") && options.flags == (MS_NOSUID | MS_RDONLY));
    CHECK(strcmp(options.data, "size=64m,mode=1777") == 0);
    CHECK(options_parse(&options, NULL) && !options.data[0]);
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    CHECK(!options_parse(&options, text));
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static bool holds(const char *path, const char *text)
{
    char found[64] = "";
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    (void)fgets(found, sizeof found, file);
    (void)fclose(file);
    return strcmp(found, text) == 0;
}

static void interrupted_seeding_begins_anew(void)
{
    char work[] = "/tmp/hyper-unit-XXXXXX", command[64];
    CHECK(mkdtemp(work) && chdir(work) == 0);
    CHECK(mkdir("image", 0755) == 0 && mkdir("image/sub", 0750) == 0 && mkdir("outside", 0755) == 0);
    write_text("image/file", "whole");
    write_text("image/sub/file", "too");
    CHECK(symlink("file", "image/link") == 0);
    write_text("outside/kept", "kept");
    CHECK(mkdir("begun", 0700) == 0 && mkdir("begun/sub", 0700) == 0);
    write_text("begun/file", "ha");
    CHECK(symlink("file", "begun/link") == 0 && symlink("../outside", "begun/away") == 0 && symlink("../../outside", "begun/sub/away") == 0);
    int image = open("image", O_PATH | O_DIRECTORY | O_CLOEXEC);
    CHECK(seed_begin("begun") == 0 && seed_folder(image, "begun") == 0);
    CHECK(holds("begun/file", "whole") && holds("begun/sub/file", "too") && holds("begun/link", "whole"));
    CHECK(access("begun/away", F_OK) != 0 && access("begun/sub/away", F_OK) != 0 && holds("outside/kept", "kept"));
    /* A symlink in its place is not followed either. */
    CHECK(symlink("outside", "linked") == 0 && seed_begin("linked") == 0 && holds("outside/kept", "kept"));
    CHECK(seed_begin("fresh") == 0 && access("fresh", F_OK) == 0 && seed_begin("missing/fresh") == ENOENT);
    CHECK(close(image) == 0 && chdir("/") == 0);
    (void)snprintf(command, sizeof command, "rm -rf %s", work);
    CHECK(system(command) == 0);
}

int main(void)
{
    frames_are_read();
    frames_come_in_any_pieces();
    messages_are_joined();
    messages_are_bounded();
    delimiter_ends_any_partial_frame();
    lost_reader_waits_for_the_delimiter();
    fields_are_read_and_written();
    rings_hold_and_grow();
    accounts_are_found();
    options_are_parted();
    interrupted_seeding_begins_anew();
    frames_free(&reader);
    return checks_end();
}
