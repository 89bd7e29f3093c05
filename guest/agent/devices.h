#ifndef DEVICES_H
#define DEVICES_H

/* Lets the processes of a cgroup make any device node, but open only the harmless ones, as Docker does: the VM's disks
 * stay out of reach of a container's root. Returns 0 or an errno. */
int devices_restrict(int cgroup);

#endif
