#include "fields.h"

#include <endian.h>
#include <string.h>

#define HEADER 5

struct fields fields_of(uint8_t *payload, size_t length)
{
    return (struct fields){.at = payload, .end = payload + length};
}

struct fields fields_in(const struct field *record)
{
    return fields_of(record->value, record->length);
}

int fields_next(struct fields *fields, struct field *field)
{
    size_t left = (size_t)(fields->end - fields->at);
    if (left == 0)
        return 0;
    if (left < HEADER)
        return -1;
    uint32_t length;
    memcpy(&length, fields->at + 1, sizeof length);
    length = le32toh(length);
    if (length > left - HEADER)
        return -1;
    *field = (struct field){.tag = fields->at[0], .value = fields->at + HEADER, .length = length};
    fields->at += HEADER + length;
    return 1;
}

bool field_integer(const struct field *field, uint64_t *integer)
{
    uint64_t value;
    if (field->length != sizeof value)
        return false;
    memcpy(&value, field->value, sizeof value);
    *integer = le64toh(value);
    return true;
}

char *field_text(struct field *field)
{
    if (field->length && memchr(field->value, 0, field->length))
        return NULL;
    uint8_t *text = field->value - 1;
    memmove(text, field->value, field->length);
    text[field->length] = 0;
    return (char *)text;
}

void put_bytes(struct buffer *buffer, enum tag tag, const void *value, size_t length)
{
    uint8_t header[HEADER] = {(uint8_t)tag};
    uint32_t little = htole32((uint32_t)length);
    memcpy(header + 1, &little, sizeof little);
    buffer_append(buffer, header, sizeof header);
    buffer_append(buffer, value, length);
}

void put_integer(struct buffer *buffer, enum tag tag, uint64_t value)
{
    uint64_t little = htole64(value);
    put_bytes(buffer, tag, &little, sizeof little);
}

void put_text(struct buffer *buffer, enum tag tag, const char *text)
{
    put_bytes(buffer, tag, text, strlen(text));
}
