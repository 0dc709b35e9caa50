// TCP, the news of rtnetlink, and mDNS sockets.
#define _GNU_SOURCE
#include "CLinux.h"
#include "addresses.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/tcp.h>
#include <unistd.h>

static int close_failed(int descriptor) {
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

// A viewer that cannot keep up shall find what waits in our own queue, where it can be dropped, rather than in the kernel's.
static void tune_stream(int descriptor) {
    int on = 1, buffer = 1 << 18, unsent = 1 << 16, patience = 30000;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
}

static int stream_socket(int family) {
    return socket(family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int linux_tcp_listen(struct linux_address *local, int backlog) {
    int descriptor = stream_socket(local->family), on = 1;
    if (descriptor < 0) return -1;
    if (local->family == 6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    // connections of an earlier run that linger in TIME_WAIT are no reason not to listen
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_storage storage;
    socklen_t length = to_sockaddr(local, &storage);
    if (bind(descriptor, (struct sockaddr *)&storage, length) != 0 || listen(descriptor, backlog) != 0) return close_failed(descriptor);
    length = sizeof storage;
    if (getsockname(descriptor, (struct sockaddr *)&storage, &length) != 0) return close_failed(descriptor);
    uint32_t scope = local->scope;
    from_sockaddr((struct sockaddr *)&storage, local);
    local->scope = scope;
    return descriptor;
}

int linux_tcp_accept(int listener, struct linux_address *remote) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    int descriptor = accept4(listener, (struct sockaddr *)&storage, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) return -1;
    tune_stream(descriptor);
    if (!from_sockaddr((struct sockaddr *)&storage, remote)) {
        errno = EAFNOSUPPORT;
        return close_failed(descriptor);
    }
    return descriptor;
}

int linux_tcp_connect(const struct linux_address *from, const struct linux_address *to) {
    int descriptor = stream_socket(to->family);
    if (descriptor < 0) return -1;
    tune_stream(descriptor);
    struct sockaddr_storage storage;
    socklen_t length;
    if (from) {
        length = to_sockaddr(from, &storage);
        if (bind(descriptor, (struct sockaddr *)&storage, length) != 0) return close_failed(descriptor);
    }
    length = to_sockaddr(to, &storage);
    if (connect(descriptor, (struct sockaddr *)&storage, length) != 0 && errno != EINPROGRESS) return close_failed(descriptor);
    return descriptor;
}

int linux_tcp_connected(int socket, struct linux_address *local) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
    if (error != 0) return error;
    struct sockaddr_storage storage;
    length = sizeof storage;
    if (getsockname(socket, (struct sockaddr *)&storage, &length) != 0) return errno;
    return from_sockaddr((struct sockaddr *)&storage, local) ? 0 : EAFNOSUPPORT;
}

long linux_tcp_send(int socket, const uint8_t *bytes, size_t count) {
    ssize_t sent;
    do sent = send(socket, bytes, count, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    return sent;
}

long linux_tcp_receive(int socket, uint8_t *bytes, size_t count) {
    ssize_t received;
    do received = recv(socket, bytes, count, 0);
    while (received < 0 && errno == EINTR);
    if (received < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : 0;
    return received;
}

int linux_route_socket(void) {
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (descriptor < 0) return -1;
    struct sockaddr_nl address = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
    };
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0) return close_failed(descriptor);
    return descriptor;
}

int linux_route_changed(int socket) {
    _Alignas(struct nlmsghdr) char buffer[16384];
    int changed = 0;
    for (;;) {
        ssize_t length = recv(socket, buffer, sizeof buffer, 0);
        if (length < 0 && errno == EINTR) continue;
        // messages were lost: something has changed, whatever it was
        if (length < 0 && errno == ENOBUFS) {
            changed = 1;
            continue;
        }
        if (length <= 0) return changed;
        int rest = (int)length;
        for (struct nlmsghdr *message = (struct nlmsghdr *)buffer; NLMSG_OK(message, rest); message = NLMSG_NEXT(message, rest)) {
            switch (message->nlmsg_type) {
            case RTM_NEWADDR: case RTM_DELADDR: case RTM_NEWLINK: case RTM_DELLINK: changed = 1;
            }
        }
    }
}

int linux_mdns_socket(int family, unsigned interface) {
    int descriptor = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -1;
    int on = 1, hops = 255;
    // other responders of this machine, avahi for one, share the port
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (family == 4) {
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(5353)};
        struct ip_mreqn group = {.imr_multiaddr.s_addr = htonl(0xE00000FB), .imr_ifindex = (int)interface};
        int all = 0;
        if (bind(descriptor, (struct sockaddr *)&any, sizeof any) != 0
            || setsockopt(descriptor, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group) != 0
            || setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof group) != 0)
            return close_failed(descriptor);
        // only what this socket has joined, not what others of this machine have
        setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_ALL, &all, sizeof all);
        setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof hops);
    } else {
        struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(5353)};
        struct ipv6_mreq group = {.ipv6mr_interface = interface};
        inet_pton(AF_INET6, "ff02::fb", &group.ipv6mr_multiaddr);
        int all = 0;
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        if (bind(descriptor, (struct sockaddr *)&any, sizeof any) != 0
            || setsockopt(descriptor, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof group) != 0
            || setsockopt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_IF, &interface, sizeof interface) != 0)
            return close_failed(descriptor);
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &all, sizeof all);
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops);
    }
    return descriptor;
}
