#ifndef BOOT_H
#define BOOT_H

/* Makes a bare initramfs a place to live in: file systems, limits. Ends PID 1 when it cannot. */
void boot_mount(void);

#endif
