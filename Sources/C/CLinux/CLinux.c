#define _GNU_SOURCE
#include "CLinux.h"
#include "addresses.h"

#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

int linux_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int linux_epoll_watch(int epoll, int descriptor, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = descriptor};
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event) == 0) return 0;
    if (errno != ENOENT) return -1;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int linux_epoll_forget(int epoll, int descriptor) {
    struct epoll_event event = {0};
    return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &event);
}

// Linux before 5.11 takes whole milliseconds, and so does a sandbox that is older than that and refuses what it does not know (EPERM): a timeout is
// then rounded up.
static int wait_for_events(int epoll, struct epoll_event *events, int capacity, int64_t nanoseconds) {
    static atomic_bool is_old;
    if (nanoseconds < 0) return epoll_wait(epoll, events, capacity, -1);
    if (!atomic_load_explicit(&is_old, memory_order_relaxed)) {
        struct timespec timeout = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
        int count = epoll_pwait2(epoll, events, capacity, &timeout, NULL);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
        atomic_store_explicit(&is_old, true, memory_order_relaxed);
    }
    int64_t milliseconds = nanoseconds / 1000000 + (nanoseconds % 1000000 > 0);
    return epoll_wait(epoll, events, capacity, milliseconds < INT_MAX ? (int)milliseconds : INT_MAX);
}

int linux_epoll_wait(int epoll, struct linux_ready *ready, int capacity, int64_t nanoseconds) {
    struct epoll_event events[64];
    int count = wait_for_events(epoll, events, capacity < 64 ? capacity : 64, nanoseconds);
    for (int i = 0; i < count; i++) {
        ready[i].descriptor = events[i].data.fd;
        ready[i].events = events[i].events;
    }
    return count;
}

int linux_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void linux_eventfd_signal(int eventfd) {
    uint64_t one = 1;
    ssize_t ignored = write(eventfd, &one, sizeof one);  // EAGAIN: it is signalled already
    (void)ignored;
}

int linux_udp_socket(struct linux_address *local, int receive_buffer, int send_buffer) {
    int family = local->family == 4 ? AF_INET : AF_INET6;
    int descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -1;
    int on = 1;
    if (family == AF_INET6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    // best effort: the kernel caps both at net.core.[rw]mem_max
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    struct sockaddr_storage storage;
    socklen_t length = to_sockaddr(local, &storage);
    if (bind(descriptor, (struct sockaddr *)&storage, length) != 0) goto failed;
    length = sizeof storage;
    if (getsockname(descriptor, (struct sockaddr *)&storage, &length) != 0) goto failed;
    uint32_t scope = local->scope;
    from_sockaddr((struct sockaddr *)&storage, local);
    local->scope = scope;
    return descriptor;
failed:;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

enum { BURST = 32, SEGMENTS = 60, SEGMENT_BYTES = 64000 };

static int same_address(const struct linux_address *a, const struct linux_address *b) {
    return a->port == b->port && a->family == b->family && a->scope == b->scope && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

// How many datagrams from `first` on can leave as one UDP_SEGMENT message: same destination, back to back in the buffer, all of
// the first's length but the last, which may be shorter.
static int segment_run(const struct linux_datagram *datagrams, int first, int count) {
    uint32_t length = datagrams[first].length, total = length, end = datagrams[first].offset + length;
    int n = 1;
    while (first + n < count && n < SEGMENTS) {
        const struct linux_datagram *next = &datagrams[first + n];
        if (next->offset != end || next->length > length || total + next->length > SEGMENT_BYTES) break;
        if (!same_address(&next->remote, &datagrams[first].remote)) break;
        total += next->length;
        end += next->length;
        n++;
        if (next->length < length) break;
    }
    return n;
}

int linux_udp_send(int descriptor, const uint8_t *buffer, const struct linux_datagram *datagrams, int count, int *segment, int *failed) {
    struct mmsghdr messages[BURST];
    struct iovec vectors[BURST];
    struct sockaddr_storage addresses[BURST];
    union {
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
        struct cmsghdr align;
    } controls[BURST];
    int runs[BURST];
    int sent = 0, segmenting = *segment;
    while (sent < count) {
        int filled = 0, next = sent;
        for (; filled < BURST && next < count; filled++) {
            int run = segmenting ? segment_run(datagrams, next, count) : 1;
            uint32_t bytes = 0;
            for (int i = 0; i < run; i++) bytes += datagrams[next + i].length;
            vectors[filled] = (struct iovec){.iov_base = (void *)(buffer + datagrams[next].offset), .iov_len = bytes};
            socklen_t length = to_sockaddr(&datagrams[next].remote, &addresses[filled]);
            messages[filled].msg_hdr = (struct msghdr){
                .msg_name = &addresses[filled], .msg_namelen = length, .msg_iov = &vectors[filled], .msg_iovlen = 1};
            if (run > 1) {
                struct msghdr *header = &messages[filled].msg_hdr;
                memset(&controls[filled], 0, sizeof controls[filled]);
                header->msg_control = controls[filled].bytes;
                header->msg_controllen = sizeof controls[filled].bytes;
                struct cmsghdr *control = CMSG_FIRSTHDR(header);
                control->cmsg_level = SOL_UDP;
                control->cmsg_type = UDP_SEGMENT;
                control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
                uint16_t size = (uint16_t)datagrams[next].length;
                memcpy(CMSG_DATA(control), &size, sizeof size);
            }
            runs[filled] = run;
            next += run;
        }
        // sendmmsg lets every thread that a message has woken run before it sends the next, even behind the last
        int taken = filled == 1 ? (sendmsg(descriptor, &messages[0].msg_hdr, 0) < 0 ? -1 : 1) : sendmmsg(descriptor, messages, filled, 0);
        if (taken < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) return sent;
            // No segmentation on this kernel or device (EIO: no checksum offload) is so for good; a path MTU below a segment's size
            // (EINVAL, EMSGSIZE) is one viewer's, and no reason to do without for the others.
            if (runs[0] > 1 && (errno == EINVAL || errno == EIO || errno == EOPNOTSUPP || errno == EMSGSIZE)) {
                if (errno == EIO || errno == EOPNOTSUPP) *segment = 0;
                segmenting = 0;
                continue;
            }
            *failed = sent;
            return -1;
        }
        for (int i = 0; i < taken; i++) sent += runs[i];
    }
    return sent;
}

int linux_udp_receive(int descriptor, uint8_t *buffer, int slot, struct linux_datagram *datagrams, int capacity) {
    struct mmsghdr messages[BURST];
    struct iovec vectors[BURST];
    struct sockaddr_storage addresses[BURST];
    if (capacity > BURST) capacity = BURST;
    for (int i = 0; i < capacity; i++) {
        vectors[i] = (struct iovec){.iov_base = buffer + (size_t)i * slot, .iov_len = slot};
        messages[i].msg_hdr =
            (struct msghdr){.msg_name = &addresses[i], .msg_namelen = sizeof addresses[i], .msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    int count;
    do count = recvmmsg(descriptor, messages, capacity, MSG_DONTWAIT, NULL);
    while (count < 0 && errno == EINTR);
    if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    for (int i = 0; i < count; i++) {
        datagrams[i].offset = (uint32_t)i * slot;
        // a datagram larger than its slot is none of ours: an empty one is discarded by every reader
        int whole = !(messages[i].msg_hdr.msg_flags & MSG_TRUNC);
        if (!from_sockaddr((struct sockaddr *)&addresses[i], &datagrams[i].remote)) whole = 0;
        datagrams[i].length = whole ? messages[i].msg_len : 0;
    }
    return count;
}

int linux_interfaces(void (*each)(void *, const char *, unsigned, const struct linux_address *), void *context) {
    struct ifaddrs *first;
    if (getifaddrs(&first) != 0) return -1;
    for (struct ifaddrs *entry = first; entry; entry = entry->ifa_next) {
        struct linux_address address;
        if (!entry->ifa_addr || !(entry->ifa_flags & IFF_UP) || !from_sockaddr(entry->ifa_addr, &address)) continue;
        each(context, entry->ifa_name, entry->ifa_flags, &address);
    }
    freeifaddrs(first);
    return 0;
}

int linux_resolve(const char *host, uint16_t port, struct linux_address *addresses, int capacity) {
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG}, *first;
    if (getaddrinfo(host, NULL, &hints, &first) != 0) return -1;
    int count = 0;
    for (struct addrinfo *entry = first; entry && count < capacity; entry = entry->ai_next) {
        if (!from_sockaddr(entry->ai_addr, &addresses[count])) continue;
        addresses[count++].port = port;
    }
    freeaddrinfo(first);
    return count;
}

int linux_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int linux_signals_take(int descriptor) {
    struct signalfd_siginfo info;
    return read(descriptor, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

static int control_socket(const char *path, struct sockaddr_un *address, int flags) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address->sun_path, path);
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
}

static void limit_waiting(int descriptor, int milliseconds) {
    struct timeval limit = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

int linux_control_listen(const char *path) {
    struct sockaddr_un address;
    // Not blocking: a client that has gone again by the time it is accepted must not hold the daemon up.
    int descriptor = control_socket(path, &address, SOCK_NONBLOCK);
    if (descriptor < 0) return -1;
    unlink(path);
    mode_t mask = umask(0177);
    int result = bind(descriptor, (struct sockaddr *)&address, sizeof address);
    int error = errno;
    umask(mask);
    if (result == 0 && listen(descriptor, 8) == 0) return descriptor;
    if (result == 0) error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

int linux_control_connect(const char *path, int limit) {
    struct sockaddr_un address;
    int descriptor = control_socket(path, &address, 0);
    if (descriptor < 0) return -1;
    limit_waiting(descriptor, limit);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0) return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

const char *linux_environment(int index) { return environ[index]; }

int linux_control_accept(int descriptor, int limit) {
    int client = accept4(descriptor, NULL, NULL, SOCK_CLOEXEC);
    if (client >= 0) limit_waiting(client, limit);
    return client;
}

int linux_clock_is_synchronised(void) {
    struct timex clock = {.modes = 0};
    int state = adjtimex(&clock);
    return state >= 0 && state != TIME_ERROR && !(clock.status & STA_UNSYNC);
}

void linux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void linux_disable_huge_pages(void) { prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); }

uint64_t linux_resident_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return 0;
    unsigned long long size = 0, resident = 0;
    if (fscanf(file, "%llu %llu", &size, &resident) != 2) resident = 0;
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int64_t clock_nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t linux_process_cpu_nanoseconds(void) { return clock_nanoseconds(CLOCK_PROCESS_CPUTIME_ID); }
int64_t linux_thread_cpu_nanoseconds(void) { return clock_nanoseconds(CLOCK_THREAD_CPUTIME_ID); }
