#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_line(const char *format, va_list arguments, const char *error)
{
    char text[512];
    (void)vsnprintf(text, sizeof text, format, arguments);
    (void)dprintf(2, error ? "hyperstart: %s: %s\n" : "hyperstart: %s\n", text, error);
}

void log_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments, NULL);
    va_end(arguments);
}

void log_fatal(const char *format, ...)
{
    const char *error = strerror(errno);
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments, error);
    va_end(arguments);
    exit(1);
}
