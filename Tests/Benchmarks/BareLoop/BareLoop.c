#define _GNU_SOURCE
#include "BareLoop.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 12, FRAGMENT = 2, TAG = 16, SEGMENTS = 32, VIEWERS = 64 };

struct viewer {
    int socket;
    struct sockaddr_in address;
    EVP_CIPHER_CTX *cipher;
    uint16_t number;
    pthread_t thread;
};

static int64_t nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void *take(void *context) {
    const struct viewer *viewer = context;
    uint8_t bytes[2048];
    while (recv(viewer->socket, bytes, sizeof bytes, 0) > 0) {
    }
    return NULL;
}

static int open_viewer(struct viewer *viewer) {
    static const uint8_t key[16] = {1, 2, 3};
    socklen_t length = sizeof viewer->address;
    viewer->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    viewer->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    viewer->cipher = EVP_CIPHER_CTX_new();
    if (viewer->socket < 0 || bind(viewer->socket, (struct sockaddr *)&viewer->address, length) != 0) return -1;
    getsockname(viewer->socket, (struct sockaddr *)&viewer->address, &length);
    EVP_EncryptInit_ex(viewer->cipher, EVP_aes_128_gcm(), NULL, key, NULL);
    return pthread_create(&viewer->thread, NULL, take, viewer);
}

// Appends one packet and protects it in place; its length.
static size_t write_packet(
    struct viewer *viewer, uint8_t *packet, uint8_t type, uint32_t timestamp, const uint8_t *prefix, size_t prefix_length,
    const uint8_t *payload, size_t length) {
    uint8_t iv[12] = {0};
    int count;
    uint16_t number = htons(viewer->number++);
    timestamp = htonl(timestamp);
    packet[0] = 0x80;
    packet[1] = type;
    memcpy(packet + 2, &number, 2);
    memcpy(packet + 4, &timestamp, 4);
    memset(packet + 8, 7, 4);
    memcpy(packet + HEADER, prefix, prefix_length);
    memcpy(packet + HEADER + prefix_length, payload, length);
    memcpy(iv + 10, &number, 2);
    length += prefix_length;
    EVP_EncryptInit_ex(viewer->cipher, NULL, NULL, NULL, iv);
    EVP_EncryptUpdate(viewer->cipher, NULL, &count, packet, HEADER);
    EVP_EncryptUpdate(viewer->cipher, packet + HEADER, &count, packet + HEADER, (int)length);
    EVP_EncryptFinal_ex(viewer->cipher, packet + HEADER + length, &count);
    EVP_CIPHER_CTX_ctrl(viewer->cipher, EVP_CTRL_AEAD_GET_TAG, TAG, packet + HEADER + length);
    return HEADER + length + TAG;
}

static int send_burst(int socket, struct viewer *viewer, uint8_t *bytes, size_t length, size_t segment) {
    union {
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
        struct cmsghdr align;
    } control = {0};
    struct iovec vector = {.iov_base = bytes, .iov_len = length};
    struct msghdr message = {
        .msg_name = &viewer->address, .msg_namelen = sizeof viewer->address, .msg_iov = &vector, .msg_iovlen = 1};
    if (length > segment) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_UDP;
        header->cmsg_type = UDP_SEGMENT;
        header->cmsg_len = CMSG_LEN(sizeof(uint16_t));
        uint16_t size = (uint16_t)segment;
        memcpy(CMSG_DATA(header), &size, sizeof size);
    }
    return sendmsg(socket, &message, 0) == (ssize_t)length ? 0 : -1;
}

// Sends one frame of `stream` to one viewer; sound, and a picture that fits into a packet, as it is, else in fragments of one length but the last
// (RFC 6184 §5.8).
static int send_frame(int socket, struct viewer *viewer, const struct bare_stream *stream, int index, int payload_size, uint8_t type) {
    static uint8_t bytes[1 << 16];
    size_t start = index > 0 ? stream->ends[index - 1] : 0, length = stream->ends[index] - start, used = 0;
    const uint8_t *frame = stream->bytes + start;
    uint32_t timestamp = (uint32_t)index * 3000;
    if (length <= (size_t)payload_size) {
        used = write_packet(viewer, bytes, type, timestamp, frame, 0, frame, length);
        return send_burst(socket, viewer, bytes, used, used);
    }
    size_t rest = length - 1, fragments = (rest + payload_size - FRAGMENT - 1) / (payload_size - FRAGMENT);
    size_t each = (rest + fragments - 1) / fragments, segment = HEADER + FRAGMENT + each + TAG;
    for (size_t at = 1; at < length; at += each) {
        size_t part = length - at < each ? length - at : each;
        uint8_t prefix[FRAGMENT] = {
            (frame[0] & 0xE0) | 28, (at == 1 ? 0x80 : 0) | (at + part == length ? 0x40 : 0) | (frame[0] & 0x1F)};
        used += write_packet(
            viewer, bytes + used, type | (at + part == length ? 0x80 : 0), timestamp, prefix, FRAGMENT, frame + at, part);
        if (used == SEGMENTS * segment || at + part == length) {
            if (send_burst(socket, viewer, bytes, used, segment) != 0) return -1;
            used = 0;
        }
    }
    return 0;
}

double bare_loop(const struct bare_stream *pictures, const struct bare_stream *sound, int viewers, int payload_size, int seconds) {
    struct viewer table[VIEWERS];
    int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), failed = sender < 0 || viewers > VIEWERS, opened = 0;
    while (!failed && opened < viewers) {
        table[opened] = (struct viewer){.socket = -1};
        failed = open_viewer(&table[opened]) != 0;
        if (!failed) opened++;
    }
    const struct bare_stream *streams[] = {pictures, sound};
    int64_t begun = nanoseconds(CLOCK_MONOTONIC), spent = nanoseconds(CLOCK_THREAD_CPUTIME_ID), end = begun + seconds * 1000000000LL;
    int64_t due[] = {begun, begun};
    int next[] = {0, 0};
    while (!failed) {
        int which = due[0] <= due[1] ? 0 : 1;
        if (due[which] >= end) break;
        struct timespec time = {.tv_sec = due[which] / 1000000000, .tv_nsec = due[which] % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {
        }
        for (int i = 0; i < viewers && !failed; i++)
            failed = send_frame(sender, &table[i], streams[which], next[which], payload_size, (uint8_t)(96 + which)) != 0;
        next[which] = (next[which] + 1) % streams[which]->count;
        due[which] += streams[which]->interval;
    }
    spent = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - spent;
    double elapsed = (double)(nanoseconds(CLOCK_MONOTONIC) - begun) / 1e9;
    for (int i = 0; i < opened; i++) {
        sendto(sender, "", 0, 0, (struct sockaddr *)&table[i].address, sizeof table[i].address);  // ends the thread
        pthread_join(table[i].thread, NULL);
        EVP_CIPHER_CTX_free(table[i].cipher);
        close(table[i].socket);
    }
    if (sender >= 0) close(sender);
    return failed ? -1 : (double)spent / elapsed;
}
