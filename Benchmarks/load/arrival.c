// SPDX-License-Identifier: Apache-2.0
// When bytes arrived at a socket; see arrival.h.

#include "arrival.h"

#include "clock.h"
#include "failure.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void arrival_ask(int descriptor) {
    int on = 1;
    if (setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) {
        fail("The kernel notes no times of arrival: %s.", strerror(errno));
    }
}

// The kernel notes wall-clock time: what has passed since then is taken off the clock that all others use.
static uint64_t monotonic(const struct timespec *noted) {
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    int64_t passed = (int64_t)(wall.tv_sec - noted->tv_sec) * 1000000000 + (wall.tv_nsec - noted->tv_nsec);
    return clock_now() - (uint64_t)(passed > 0 ? passed : 0);
}

ssize_t arrival_receive(int descriptor, uint8_t *bytes, size_t capacity, uint64_t *arrival) {
    union {
        struct cmsghdr aligned;
        uint8_t room[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    struct iovec piece = {.iov_base = bytes, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t count = recvmsg(descriptor, &message, 0);
    if (count <= 0) return count;
    *arrival = clock_now();
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_TIMESTAMPNS) continue;
        struct timespec noted;
        memcpy(&noted, CMSG_DATA(header), sizeof noted);
        *arrival = monotonic(&noted);
    }
    return count;
}
