// SPDX-License-Identifier: Apache-2.0
// The event loop; see loop.h.

#include "loop.h"

#include "connection.h"
#include "failure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { EVENTS_A_TURN = 512, BACKLOG = 4096 };

static int epoll, listener;

void loop_watch(int descriptor, struct connection *connection, uint32_t events, bool added) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(epoll, added ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event) != 0) {
        fail("epoll_ctl: %s.", strerror(errno));
    }
}

void loop_open(uint16_t port) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fail("epoll_create1: %s.", strerror(errno));
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0) fail("socket: %s.", strerror(errno));
    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Accepted sockets inherit it.
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, BACKLOG) != 0) {
        fail("127.0.0.1 port %u: %s. Name another port.", port, strerror(errno));
    }
    loop_watch(listener, NULL, EPOLLIN, true);
}

static void accept_all(void) {
    for (;;) {
        int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            connection_open(descriptor);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            fail("accept4: %s. Raise the limit of open files (ulimit -Hn), or start fewer clients.", strerror(errno));
        }
    }
}

void loop_run(void) {
    struct epoll_event events[EVENTS_A_TURN];
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_A_TURN, -1);
        if (count < 0 && errno != EINTR) fail("epoll_wait: %s.", strerror(errno));
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == NULL) {
                accept_all();
                continue;
            }
            if (events[i].events & EPOLLOUT) connection_write(connection);
            if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) connection_read(connection);
        }
        connections_end_turn();
    }
}
