#ifndef BOOT_H
#define BOOT_H

/* Lies below each image: where it lacks them, what is mounted in every container has its places here, and not in the writable layer. */
#define SKELETON "/run/skeleton"

/* Makes a bare initramfs a place to live in: file systems, limits. Ends PID 1 when it cannot. */
void boot_mount(void);

#endif
