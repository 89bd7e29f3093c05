#include "superblock.h"

#include <stdbool.h>
#include <string.h>

#define SECTOR 512
#define MBR_TABLE 446
#define MBR_ENTRIES 4
#define MBR_ENTRY_SIZE 16

static const char image[] = "it begins as a qcow2 image does: if it is one, give format=qcow2";
static const char encrypted[] = "it is encrypted (LUKS)";
static const char managed[] = "it is a part of LVM, which is not known here";
static const char swap[] = "it is swap space and has no file system";
static const char partitioned[] = "it has partitions: say which is meant, as with partition=1";

/* The magic numbers of blkid(8): first what may have an older one's left behind it, last what a guest may have put before one. */
static const struct {
    size_t at;
    const char *magic;
    size_t length;
    struct superblock is;
} known[] = {
    {0, "LUKS\xba\xbe", 6, {.problem = encrypted}},
    {SECTOR, "LABELONE", 8, {.problem = managed}},
    {4086, "SWAPSPACE2", 10, {.problem = swap}},
    {0, "XFSB", 4, {.type = "xfs"}},
    {0, "hsqs", 4, {.type = "squashfs"}},
    {1024, "\xe2\xe1\xf5\xe0", 4, {.type = "erofs"}},
    {1080, "\x53\xef", 2, {.type = "ext4"}},
    {65600, "_BHRfS_M", 8, {.type = "btrfs"}},
    {3, "EXFAT   ", 8, {.type = "exfat"}},
    {SECTOR, "EFI PART", 8, {.problem = partitioned}},
    {32769, "CD001", 5, {.type = "iso9660"}},
    {0, "QFI\xfb", 4, {.problem = image}},
};

static bool has(const uint8_t *bytes, size_t length, size_t at, const char *magic, size_t size)
{
    return at + size <= length && memcmp(bytes + at, magic, size) == 0;
}

/* A boot sector is FAT's, or begins a partition table: what a table's entries may say tells one from the other. */
static struct superblock boot_sector(const uint8_t *bytes, size_t length)
{
    if (!has(bytes, length, 510, "\x55\xaa", 2))
        return (struct superblock){0};
    if (has(bytes, length, 54, "FAT", 3) || has(bytes, length, 82, "FAT32", 5))
        return (struct superblock){.type = "vfat"};
    bool used = false;
    for (size_t i = 0; i < MBR_ENTRIES; i++) {
        const uint8_t *entry = bytes + MBR_TABLE + i * MBR_ENTRY_SIZE;
        if ((entry[0] & 0x7f) != 0)
            return (struct superblock){0};
        used |= entry[4] != 0;
    }
    return (struct superblock){.problem = used ? partitioned : NULL};
}

struct superblock superblock_find(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (has(bytes, length, known[i].at, known[i].magic, known[i].length))
            return known[i].is;
    struct superblock found = boot_sector(bytes, length);
    if (!found.type && !found.problem)
        found.problem = "no file system is known on it: make one first, as with mkfs.ext4 on the host, or say fstype=";
    return found;
}
