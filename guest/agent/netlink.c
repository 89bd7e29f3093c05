#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER 16384

int netlink_open(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
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
    memcpy(place + RTA_LENGTH(0), value, length);
    request->header.nlmsg_len = (uint32_t)(at + RTA_SPACE(length));
}

bool netlink_find(const struct nlmsghdr *entry, size_t body, uint16_t type, void *value, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)entry;
    struct rtattr attribute;
    for (size_t at = NLMSG_LENGTH(body); at + sizeof attribute <= entry->nlmsg_len; at += RTA_ALIGN((size_t)attribute.rta_len)) {
        memcpy(&attribute, bytes + at, sizeof attribute);
        if (attribute.rta_len < sizeof attribute || at + attribute.rta_len > entry->nlmsg_len)
            return false;
        if (attribute.rta_type != type || attribute.rta_len != RTA_LENGTH(length))
            continue;
        memcpy(value, bytes + at + sizeof attribute, length);
        return true;
    }
    return false;
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

int netlink_ask(int socket, struct netlink_request *request)
{
    request->header.nlmsg_flags |= NLM_F_ACK;
    if (send(socket, request, request->header.nlmsg_len, 0) < 0)
        return errno;
    return read_answers(socket, NULL, NULL);
}

int netlink_dump(int socket, struct netlink_request *request, void (*each)(void *context, const struct nlmsghdr *entry), void *context)
{
    request->header.nlmsg_flags |= NLM_F_DUMP;
    if (send(socket, request, request->header.nlmsg_len, 0) < 0)
        return errno;
    return read_answers(socket, each, context);
}
