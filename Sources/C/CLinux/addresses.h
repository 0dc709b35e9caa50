// Between our one form of an address and the kernel's.
#pragma once
#include "CLinux.h"
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static inline socklen_t to_sockaddr(const struct linux_address *address, struct sockaddr_storage *storage) {
    memset(storage, 0, sizeof *storage);
    if (address->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)storage;
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        memcpy(&in->sin_addr, address->ip, 4);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address->port);
    in6->sin6_scope_id = address->scope;
    memcpy(&in6->sin6_addr, address->ip, 16);
    return sizeof *in6;
}

static inline int from_sockaddr(const struct sockaddr *generic, struct linux_address *address) {
    memset(address, 0, sizeof *address);
    if (generic->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)generic;
        address->family = 4;
        address->port = ntohs(in->sin_port);
        memcpy(address->ip, &in->sin_addr, 4);
        return 1;
    }
    if (generic->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)generic;
        address->family = 6;
        address->port = ntohs(in6->sin6_port);
        address->scope = in6->sin6_scope_id;
        memcpy(address->ip, &in6->sin6_addr, 16);
        return 1;
    }
    return 0;
}
