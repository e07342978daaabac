// SPDX-License-Identifier: Apache-2.0
// The event loop of the load generator; see load.h.

#include "load.h"

#include "clock.h"
#include "failure.h"
#include "secure.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

enum { EVENTS_A_TURN = 512, READ_LENGTH = 256 * 1024, SPARE_DESCRIPTORS = 32, PATIENCE_SECONDS = 5, POLL_MILLISECONDS = 50 };

struct addrinfo *load_resolve(const struct options *options) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *address;
    int error = getaddrinfo(options->host, options->port, &hints, &address);
    if (error != 0) {
        fail("%s port %s cannot be resolved: %s. Check --host and --port.", options->host, options->port,
             gai_strerror(error));
    }
    return address;
}

static void raise_descriptor_limit(uint32_t connections) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < (rlim_t)connections + SPARE_DESCRIPTORS) {
        fail("%u connections need more open files than the limit of %llu; raise it (ulimit -Hn) or use fewer.",
             connections, (unsigned long long)limit.rlim_max);
    }
}

void load_prepare_clients(struct load *load, const struct options *options, uint32_t count) {
    memset(load, 0, sizeof *load);
    load->options = options;
    load->address = load_resolve(options);
    if (options->tls != 0) secure_prepare(options->tls);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->epoll < 0) fail("epoll_create1: %s.", strerror(errno));
    load->connection_count = count;
    raise_descriptor_limit(load->connection_count);
    load->connections = allocate(count, sizeof *load->connections);
    for (uint32_t i = 0; i < count; i++) load->connections[i].number = i;
    // Room for a carried-over packet in front of a full read.
    load->input_capacity = READ_LENGTH + options->payload_length + TOPIC_NAME_CAPACITY + HANDSHAKE_PACKET_CAPACITY;
    load->input = allocate(1, load->input_capacity);
}

void load_prepare(struct load *load, const struct options *options) {
    uint32_t subscribers = options->groups * options->subscribers;
    uint32_t slow = options->mode == MODE_SLOW ? options->slow : 0;
    load_prepare_clients(load, options, subscribers + options->groups * options->publishers + slow);
    load->subscriber_count = subscribers;
}

bool load_turn(struct load *load, int timeout) {
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(load->epoll, events, EVENTS_A_TURN, timeout);
    if (count < 0 && errno != EINTR) fail("epoll_wait: %s.", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (events[i].events & EPOLLOUT) connection_flush(load, connection);
        if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) connection_read(load, connection);
    }
    return count > 0;
}

bool load_await(struct load *load, const uint64_t *count, uint64_t wanted) {
    uint64_t seen = *count, deadline = clock_now() + clock_from_seconds(PATIENCE_SECONDS);
    while (*count < wanted) {
        load_turn(load, POLL_MILLISECONDS);
        if (*count != seen) {
            seen = *count;
            deadline = clock_now() + clock_from_seconds(PATIENCE_SECONDS);
        } else if (clock_now() > deadline) {
            return false;
        }
    }
    return true;
}

void load_settle(struct load *load) {
    while (load_turn(load, POLL_MILLISECONDS)) {}
}

void load_topic_name(char *out, uint32_t number) { snprintf(out, LOAD_TOPIC_NAME_LENGTH + 1, "load/%05u", number); }
