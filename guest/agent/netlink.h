#ifndef NETLINK_H
#define NETLINK_H

#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One request to the kernel's rtnetlink, or to one of its generic families. */
struct netlink_request {
    struct nlmsghdr header;
    union {
        struct ifinfomsg link;
        struct ifaddrmsg address;
        struct rtmsg route;
        struct genlmsghdr generic;
        uint8_t room[512];
    } body;
};

void netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags, size_t body);
void netlink_attribute(struct netlink_request *request, uint16_t type, const void *value, size_t length);
/* The attributes that are added until it ends are those of one attribute. */
size_t netlink_nest(struct netlink_request *request, uint16_t type);
void netlink_nest_end(struct netlink_request *request, size_t nest);
/* Sends and waits for the answer, which the kernel gives at once. Returns 0 or an errno. */
int netlink_ask(int socket, struct netlink_request *request);
/* The same for a question; the answer goes to `each`. */
int netlink_get(int socket, struct netlink_request *request, void (*each)(void *context, const struct nlmsghdr *entry), void *context);
/* Asks for a list; each entry goes to `each`. */
int netlink_dump(int socket, struct netlink_request *request, void (*each)(void *context, const struct nlmsghdr *entry), void *context);
/* Copies an attribute's value out of an entry whose body has `body` bytes; false when there is none of this length. */
bool netlink_find(const struct nlmsghdr *entry, size_t body, uint16_t type, void *value, size_t length);
/* The value of an attribute among others; NULL when there is none. */
const uint8_t *netlink_value(const uint8_t *attributes, size_t size, uint16_t type, size_t *length);
/* By NETLINK_ROUTE, or NETLINK_GENERIC. */
int netlink_open(int protocol);

#endif
