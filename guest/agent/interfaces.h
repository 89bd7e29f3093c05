#ifndef INTERFACES_H
#define INTERFACES_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define MAC_SIZE 6

/* A network interface, as the kernel describes it. */
struct interface {
    int number;
    char name[IF_NAMESIZE];
    uint8_t mac[MAC_SIZE];
    uint32_t mtu;
    bool up;
};

/* `aa:bb:cc:dd:ee:ff` */
bool mac_parse(const char *text, uint8_t mac[MAC_SIZE]);

/*
 * By a socket of NETLINK_ROUTE: the interface with this MAC, else the one of this name, else the first that has no address of
 * IPv4; never lo. Each of both may be NULL. False where there is none.
 */
bool interface_find(int socket, const uint8_t *mac, const char *name, struct interface *found);

#endif
