#ifndef POWER_H
#define POWER_H

/* SHUTDOWN: kills all, unmounts, syncs, powers off. */
_Noreturn void power_off(void);

#endif
