#ifndef LOG_H
#define LOG_H

/* One line to the console; few, for under TCG every character of a serial line is an exit of the VM. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same with the text of errno, after which PID 1 cannot go on: it ends, the kernel panics, the VM ends. */
_Noreturn void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
