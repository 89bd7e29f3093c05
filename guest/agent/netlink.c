#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER 16384

int netlink_open(int protocol)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
}

void netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags, size_t body)
{
    memset(request, 0, sizeof *request);
    request->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
    request->header.nlmsg_type = type;
    request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
}

void netlink_attribute(struct netlink_request *request, uint16_t type, const void *value, size_t length)
{
    struct rtattr attribute = {.rta_len = (uint16_t)RTA_LENGTH(length), .rta_type = type};
    size_t at = NLMSG_ALIGN(request->header.nlmsg_len);
    uint8_t *place = (uint8_t *)request + at;
    if (at + RTA_SPACE(length) > sizeof *request)
        return; /* cannot be: attributes are few and small */
    memcpy(place, &attribute, sizeof attribute);
    if (length)
        memcpy(place + RTA_LENGTH(0), value, length);
    request->header.nlmsg_len = (uint32_t)(at + RTA_SPACE(length));
}

size_t netlink_nest(struct netlink_request *request, uint16_t type)
{
    size_t at = NLMSG_ALIGN(request->header.nlmsg_len);
    netlink_attribute(request, type, NULL, 0);
    return at;
}

void netlink_nest_end(struct netlink_request *request, size_t nest)
{
    struct rtattr attribute;
    uint8_t *place = (uint8_t *)request + nest;
    memcpy(&attribute, place, sizeof attribute);
    attribute.rta_len = (uint16_t)(request->header.nlmsg_len - nest);
    memcpy(place, &attribute, sizeof attribute);
}

const uint8_t *netlink_value(const uint8_t *attributes, size_t size, uint16_t type, size_t *length)
{
    struct rtattr attribute;
    for (size_t at = 0; at + sizeof attribute <= size; at += RTA_ALIGN((size_t)attribute.rta_len)) {
        memcpy(&attribute, attributes + at, sizeof attribute);
        if (attribute.rta_len < sizeof attribute || at + attribute.rta_len > size)
            return NULL;
        if ((attribute.rta_type & NLA_TYPE_MASK) != type)
            continue;
        *length = attribute.rta_len - sizeof attribute;
        return attributes + at + sizeof attribute;
    }
    return NULL;
}

bool netlink_find(const struct nlmsghdr *entry, size_t body, uint16_t type, void *value, size_t length)
{
    size_t start = NLMSG_LENGTH(body), found;
    if (entry->nlmsg_len < start)
        return false;
    const uint8_t *bytes = netlink_value((const uint8_t *)entry + start, entry->nlmsg_len - start, type, &found);
    if (!bytes || found != length)
        return false;
    memcpy(value, bytes, length);
    return true;
}

/* Reads answers until the last; returns its errno. */
static int read_answers(int socket, void (*each)(void *, const struct nlmsghdr *), void *context)
{
    union {
        uint8_t bytes[ANSWER];
        struct nlmsghdr align;
    } answer;
    for (;;) {
        ssize_t length = recv(socket, answer.bytes, sizeof answer.bytes, 0);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return errno;
        size_t at = 0, left = (size_t)length;
        while (left >= sizeof(struct nlmsghdr)) {
            const struct nlmsghdr *entry = (const struct nlmsghdr *)(const void *)(answer.bytes + at);
            if (entry->nlmsg_len < sizeof *entry || entry->nlmsg_len > left)
                return EPROTO;
            if (entry->nlmsg_type == NLMSG_DONE)
                return 0;
            if (entry->nlmsg_type == NLMSG_ERROR)
                return -((const struct nlmsgerr *)NLMSG_DATA(entry))->error;
            if (each)
                each(context, entry);
            size_t step = NLMSG_ALIGN(entry->nlmsg_len);
            at += step;
            left = step < left ? left - step : 0;
        }
    }
}

int netlink_get(int socket, struct netlink_request *request, void (*each)(void *context, const struct nlmsghdr *entry), void *context)
{
    request->header.nlmsg_flags |= NLM_F_ACK;
    if (send(socket, request, request->header.nlmsg_len, 0) < 0)
        return errno;
    return read_answers(socket, each, context);
}

int netlink_ask(int socket, struct netlink_request *request)
{
    return netlink_get(socket, request, NULL, NULL);
}

int netlink_dump(int socket, struct netlink_request *request, void (*each)(void *context, const struct nlmsghdr *entry), void *context)
{
    request->header.nlmsg_flags |= NLM_F_DUMP;
    if (send(socket, request, request->header.nlmsg_len, 0) < 0)
        return errno;
    return read_answers(socket, each, context);
}
