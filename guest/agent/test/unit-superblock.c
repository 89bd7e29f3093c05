/* What is said of disks by their first bytes. */
#include "check.h"

#include "superblock.h"

#include <stdint.h>
#include <string.h>

static uint8_t disk[SUPERBLOCK_BYTES];

static struct superblock disk_with(size_t at, const char *bytes, size_t length)
{
    memset(disk, 0, sizeof disk);
    memcpy(disk + at, bytes, length);
    return superblock_find(disk, sizeof disk);
}

static bool is(struct superblock found, const char *type)
{
    return found.type && !found.problem && strcmp(found.type, type) == 0;
}

static bool is_refused(struct superblock found, const char *words)
{
    return !found.type && found.problem && strstr(found.problem, words);
}

static void file_systems_are_known(void)
{
    CHECK(is(disk_with(1080, "\x53\xef", 2), "ext4"));
    CHECK(is(disk_with(0, "XFSB", 4), "xfs"));
    CHECK(is(disk_with(65600, "_BHRfS_M", 8), "btrfs"));
    CHECK(is(disk_with(3, "EXFAT   ", 8), "exfat"));
    CHECK(is(disk_with(32769, "CD001", 5), "iso9660"));
    CHECK(is(disk_with(0, "hsqs", 4), "squashfs"));
    CHECK(is(disk_with(1024, "\xe2\xe1\xf5\xe0", 4), "erofs"));
}

static void boot_sectors_are_told_apart(void)
{
    (void)disk_with(510, "\x55\xaa", 2);
    CHECK(is_refused(superblock_find(disk, sizeof disk), "no file system is known"));
    memcpy(disk + 82, "FAT32   ", 8);
    CHECK(is(superblock_find(disk, sizeof disk), "vfat"));
    (void)disk_with(510, "\x55\xaa", 2);
    memcpy(disk + 54, "FAT16   ", 8);
    CHECK(is(superblock_find(disk, sizeof disk), "vfat"));
    (void)disk_with(510, "\x55\xaa", 2);
    disk[446] = 0x80;
    disk[446 + 4] = 0x83;
    CHECK(is_refused(superblock_find(disk, sizeof disk), "partition=1"));
    disk[446 + 16] = 0x12; /* no entry of a table begins so */
    CHECK(is_refused(superblock_find(disk, sizeof disk), "no file system is known"));
    CHECK(is_refused(disk_with(512, "EFI PART", 8), "partition=1"));
}

static void others_are_refused_with_the_reason(void)
{
    CHECK(is_refused(disk_with(0, "QFI\xfb", 4), "format=qcow2"));
    CHECK(is_refused(disk_with(0, "LUKS\xba\xbe", 6), "encrypted"));
    CHECK(is_refused(disk_with(512, "LABELONE", 8), "LVM"));
    CHECK(is_refused(disk_with(4086, "SWAPSPACE2", 10), "swap"));
    memset(disk, 0, sizeof disk);
    CHECK(is_refused(superblock_find(disk, sizeof disk), "mkfs.ext4"));
    memset(disk, 0xff, sizeof disk);
    CHECK(is_refused(superblock_find(disk, sizeof disk), "mkfs.ext4"));
}

static void short_disks_hold_nothing(void)
{
    (void)disk_with(1080, "\x53\xef", 2);
    for (size_t length = 0; length < 1082; length++)
        CHECK(!superblock_find(disk, length).type);
    CHECK(is(superblock_find(disk, 1082), "ext4"));
    (void)disk_with(510, "\x55\xaa", 2);
    CHECK(is_refused(superblock_find(disk, 511), "no file system is known"));
}

int main(void)
{
    file_systems_are_known();
    boot_sectors_are_told_apart();
    others_are_refused_with_the_reason();
    short_disks_hold_nothing();
    return checks_end();
}
