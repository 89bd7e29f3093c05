#ifndef JOB_H
#define JOB_H

/* Work that may wait (for a disk, for copying) is done by a forked helper, so that the loop never does. */

/* Runs in the helper; returns 0 or an errno, with the reason in `why` (of 256 bytes). */
typedef int job_work(void *argument, char *why);
/* Runs in the agent when the helper has ended. */
typedef void job_done(void *argument, int error, const char *why);

/* Returns 0 or an errno; then nothing will be done. */
int job_start(job_work *work, job_done *done, void *argument);

#endif
