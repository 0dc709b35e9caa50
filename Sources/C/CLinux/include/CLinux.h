// What Linux offers that Swift cannot call as it stands: structures whose layout differs between architectures
// (epoll_event), variadic calls and control messages (UDP_SEGMENT, sendmmsg, recvmmsg).
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

enum {
    LINUX_READABLE = EPOLLIN,
    LINUX_WRITABLE = EPOLLOUT,
    /// An error or a hang-up: reported unasked.
    LINUX_BROKEN = EPOLLERR | EPOLLHUP,
    /// To be told of each change once, and not of what stays.
    LINUX_CHANGES = EPOLLET,
};

/// One descriptor that became ready.
struct linux_ready {
    int descriptor;
    /// LINUX_READABLE, LINUX_WRITABLE, LINUX_BROKEN, as bits.
    uint32_t events;
};

/// An IPv4 or IPv6 transport address in one form. `ip` holds 4 or 16 bytes in network order; `port` is in host order.
struct linux_address {
    uint8_t family;  // 4 or 6
    uint8_t ip[16];
    uint16_t port;
    uint32_t scope;
};

/// One datagram of a batch: `length` bytes at `offset` of the batch's buffer.
struct linux_datagram {
    uint32_t offset;
    uint32_t length;
    struct linux_address remote;
};

int linux_epoll_create(void);
/// Watches (or goes on watching, with other events) `descriptor`. -1 and errno on failure.
int linux_epoll_watch(int epoll, int descriptor, uint32_t events);
int linux_epoll_forget(int epoll, int descriptor);
/// Waits until something is ready, for at most so many nanoseconds, without end where they are negative; the count, or -1
/// and errno.
int linux_epoll_wait(int epoll, struct linux_ready *ready, int capacity, int64_t nanoseconds);

int linux_eventfd(void);
void linux_eventfd_signal(int eventfd);

/// A non-blocking UDP socket bound to `local`, whose port is filled in. -1 and errno on failure.
int linux_udp_socket(struct linux_address *local, int receive_buffer, int send_buffer);
/// Sends datagrams of `buffer` in order: runs of equal length to one address leave by UDP_SEGMENT while `*segment` is true,
/// else by sendmmsg. `*segment` becomes false where the kernel or the device refuses segmentation. Returns how many were taken (the rest
/// found the socket's buffer full), or -1 and errno for the datagram at `*failed`.
int linux_udp_send(int socket, const uint8_t *buffer, const struct linux_datagram *datagrams, int count, int *segment, int *failed);
/// Receives up to `capacity` datagrams, each into its own `slot` bytes of `buffer`. The count, 0 for none, -1 and errno.
int linux_udp_receive(int socket, uint8_t *buffer, int slot, struct linux_datagram *datagrams, int capacity);

/// A non-blocking TCP socket that listens at `local`, whose port is filled in. -1 and errno on failure.
int linux_tcp_listen(struct linux_address *local, int backlog);
/// Accepts a connection that waits, non-blocking. -1 and errno.
int linux_tcp_accept(int listener, struct linux_address *remote);
/// Begins to connect to `to`, from any port of `from` unless that is NULL. -1 and errno on failure.
int linux_tcp_connect(const struct linux_address *from, const struct linux_address *to);
/// What became of a connection that was begun: 0, with its own address in `local`, or the error.
int linux_tcp_connected(int socket, struct linux_address *local);
/// Sends what finds room; how much that was, or -1 where the connection is broken.
long linux_tcp_send(int socket, const uint8_t *bytes, size_t count);
/// Receives what has come; how much, 0 at the end or where the connection is broken, -1 for nothing yet.
long linux_tcp_receive(int socket, uint8_t *bytes, size_t count);

/// A non-blocking socket that is readable when an address or a link of this machine has changed (rtnetlink). -1 and errno.
int linux_route_socket(void);
/// Takes in what has come there; whether an address or a link has changed.
int linux_route_changed(int socket);

/// A non-blocking UDP socket of the mDNS group (RFC 6762 §3) on one interface, for IPv4 or (`family` 6) IPv6. -1 and errno.
int linux_mdns_socket(int family, unsigned interface);

/// Calls `each` for every address of every interface that is up: name, index, flags (IFF_…), address.
int linux_interfaces(void (*each)(void *context, const char *name, unsigned flags, const struct linux_address *address), void *context);

/// Asks the resolver for the UDP addresses of `host`; blocks. The count, or -1.
int linux_resolve(const char *host, uint16_t port, struct linux_address *addresses, int capacity);

/// Blocks SIGTERM, SIGINT and SIGHUP for this thread and those it will start, ignores SIGPIPE, and returns a descriptor that is readable
/// when one of them has come.
int linux_signals(void);
/// The signal that has come, 0 for none.
int linux_signals_take(int descriptor);

/// A listening Unix stream socket at `path` (an old one is replaced), readable by its owner alone. -1 and errno on failure.
int linux_control_listen(const char *path);
/// Connects to the Unix stream socket at `path`; no step of the exchange waits longer than `limit` milliseconds. -1 and errno on failure.
int linux_control_connect(const char *path, int limit);
/// Accepts a connection that waits at a listening Unix socket; no step of the exchange waits longer than `limit` milliseconds. -1 and errno.
int linux_control_accept(int descriptor, int limit);

/// The entry `index` of the environment, `NAME=value`; NULL after the last.
const char *linux_environment(int index);

/// Whether the system's clock is kept right by a time server.
int linux_clock_is_synchronised(void);

/// Names the calling thread, for top and debuggers (at most 15 characters).
void linux_name_thread(const char *name);
/// Lets this process have no huge pages, which x264 asks for: its buffers fill a part of each, and a board has memory for other things.
void linux_disable_huge_pages(void);
/// Resident memory of this process in bytes, 0 where /proc is not there.
uint64_t linux_resident_bytes(void);
/// CPU time of this process in nanoseconds, all threads.
int64_t linux_process_cpu_nanoseconds(void);
/// CPU time of the calling thread in nanoseconds.
int64_t linux_thread_cpu_nanoseconds(void);
