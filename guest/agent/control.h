#ifndef CONTROL_H
#define CONTROL_H

#include "buffer.h"
#include "frames.h"

#include <stdbool.h>
#include <stdint.h>

/* The control port: requests, replies, events. */
bool control_open(void);
void control_pump(void);
void control_send(enum kind kind, const struct buffer *payload);

/* The answer to a request: begun, filled with results, sent. */
void reply_begin(struct buffer *reply, uint64_t id, int error, const char *message);
void reply_send(struct buffer *reply);
/* The three in one, for an answer without results. */
void reply_plain(uint64_t id, int error, const char *message);

#endif
