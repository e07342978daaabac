// SPDX-License-Identifier: Apache-2.0
// One client connection of the load; see connection.h.

#include "connection.h"

#include "arrival.h"
#include "clock.h"
#include "failure.h"
#include "load.h"
#include "secure.h"
#include "session.h"
#include "websocket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void watch(struct load *load, struct connection *connection, int operation) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (connection->writable_armed) event.events |= EPOLLOUT;
    if (epoll_ctl(load->epoll, operation, connection->fd, &event) != 0) fail("epoll_ctl: %s.", strerror(errno));
}

void connection_open(struct load *load, struct connection *connection) {
    const struct addrinfo *address = load->address;
    connection->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) fail("A socket cannot be opened: %s.", strerror(errno));
    int on = 1;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // Closing resets: ten thousand connections in TIME_WAIT would leave the next run without ports.
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    // Before connecting, as the window that is offered to the broker depends on it.
    if (connection->receive_buffer > 0) {
        setsockopt(connection->fd, SOL_SOCKET, SO_RCVBUF, &connection->receive_buffer, sizeof connection->receive_buffer);
    }
    if (connection->kernel_times) arrival_ask(connection->fd);
    if (connect(connection->fd, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) {
        fail("Connecting to %s port %s: %s. Is the broker running?", load->options->host, load->options->port,
             strerror(errno));
    }
    watch(load, connection, EPOLL_CTL_ADD);
    if (load->options->tls != 0) secure_open(connection);
    if (load->options->websocket) websocket_open(connection);
}

void connection_close(struct connection *connection) {
    if (connection->tls != NULL) secure_close(connection);
    close(connection->fd);
    free(connection->websocket);
    free(connection->control);
    free(connection->carry);
    free(connection->expected);
}

void connection_stop_reading(struct load *load, struct connection *connection) {
    epoll_ctl(load->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
}

bool connection_was_ended(const struct connection *connection) {
    struct tcp_info state;
    socklen_t length = sizeof state;
    return getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &state, &length) != 0
        || state.tcpi_state != TCP_ESTABLISHED;
}

uint8_t *connection_reserve(struct connection *connection, uint32_t length) {
    if (connection->control_capacity - connection->control_end < length) {
        uint32_t waiting = connection->control_end - connection->control_start;
        if (connection->control_start >= length) {
            memmove(connection->control, connection->control + connection->control_start, waiting);
        } else {
            connection->control_capacity = connection->control_capacity * 2 + length;
            uint8_t *larger = allocate(1, connection->control_capacity);
            if (waiting > 0) memcpy(larger, connection->control + connection->control_start, waiting);
            free(connection->control);
            connection->control = larger;
        }
        connection->control_start = 0;
        connection->control_end = waiting;
    }
    return connection->control + connection->control_end;
}

uint8_t *connection_begin_packet(struct connection *connection, uint32_t capacity) {
    if (connection->websocket == NULL) return connection_reserve(connection, capacity);
    return connection_reserve(connection, WEBSOCKET_HEADER_CAPACITY + capacity) + WEBSOCKET_HEADER_CAPACITY;
}

void connection_end_packet(struct connection *connection, uint32_t length) {
    if (connection->websocket != NULL) {
        uint8_t *frame = connection->control + connection->control_end;
        uint32_t header = websocket_header_length(length);
        memmove(frame + header, frame + WEBSOCKET_HEADER_CAPACITY, length);
        websocket_seal(frame, length);
        length += header;
    }
    connection->control_end += length;
}

// Returns how many bytes the socket took.
static size_t transmit(struct load *load, struct connection *connection, const uint8_t *bytes, size_t length) {
    ssize_t sent = connection->tls != NULL ? secure_send(connection, bytes, length)
                                           : send(connection->fd, bytes, length, MSG_NOSIGNAL);
    if (sent >= 0) return (size_t)sent;
    if (errno != EAGAIN && errno != EINTR) {
        fail("Sending to %s port %s: %s. Is the broker running?", load->options->host, load->options->port,
             strerror(errno));
    }
    return 0;
}

static bool flush_ring(struct load *load, struct connection *connection) {
    while (connection->ring_sent < connection->ring_limit) {
        const struct ring *ring = connection->ring;
        uint64_t offset = connection->ring_sent % ring->length;
        uint64_t length = connection->ring_limit - connection->ring_sent;
        if (length > ring->length - offset) length = ring->length - offset;
        size_t sent = transmit(load, connection, ring->bytes + offset, length);
        connection->ring_sent += sent;
        if (sent < length) return false;
    }
    return true;
}

static bool flush_control(struct load *load, struct connection *connection) {
    uint32_t length = connection->control_end - connection->control_start;
    if (length == 0) return true;
    size_t sent = transmit(load, connection, connection->control + connection->control_start, length);
    connection->control_start += (uint32_t)sent;
    if (sent < length) return false;
    connection->control_start = connection->control_end = 0;
    return true;
}

void connection_flush(struct load *load, struct connection *connection) {
    // A PUBLISH that is partly sent must end before another packet may follow.
    bool within_packet = connection->ring != NULL && connection->ring_sent % connection->ring->packet_length != 0;
    bool done = (!within_packet || flush_ring(load, connection)) && flush_control(load, connection)
        && flush_ring(load, connection);
    // During a handshake it is the broker's turn: the next read tries again.
    bool waits = !done && !(connection->tls != NULL && secure_wants_input(connection));
    if (waits != connection->writable_armed) {
        connection->writable_armed = waits;
        watch(load, connection, EPOLL_CTL_MOD);
    }
}

static void keep(struct connection *connection, const uint8_t *bytes, size_t length) {
    if (connection->carry_capacity < length) {
        free(connection->carry);
        connection->carry = allocate(1, length);
        connection->carry_capacity = (uint32_t)length;
    }
    if (length > 0) memcpy(connection->carry, bytes, length);
    connection->carry_length = (uint32_t)length;
}

// Returns whether more was read from the socket than was received.
static bool receive(struct load *load, struct connection *connection) {
    size_t carried = connection->carry_length;
    if (carried == load->input_capacity) fail("A packet came that is longer than any that was published.");
    uint8_t *target = load->input + carried;
    size_t capacity = load->input_capacity - carried;
    ssize_t count = connection->tls != NULL ? secure_receive(connection, target, capacity)
        : connection->kernel_times ? arrival_receive(connection->fd, target, capacity, &load->arrival)
                                   : recv(connection->fd, target, capacity, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (connection->leaving && (count == 0 || (count < 0 && errno == ECONNRESET))) {
        load->receiver->left(load, connection);
        return false;
    }
    if (count < 0) {
        fail("Receiving from %s port %s: %s. Is the broker running?", load->options->host, load->options->port,
             strerror(errno));
    }
    if (count == 0) fail("The broker closed a connection; its log may say why.");
    if (load->latency != NULL && !connection->kernel_times) load->arrival = clock_now();
    if (carried > 0) memcpy(load->input, connection->carry, carried);
    size_t length = carried + (size_t)count, used;
    if (connection->websocket != NULL && !connection->websocket->upgraded) {
        used = websocket_upgrade(connection, load->input, length);
        if (connection->websocket->upgraded) session_send_connect(load, connection);
    } else {
        if (connection->websocket != NULL) length = carried + websocket_unframe(connection, target, (size_t)count);
        used = session_receive(load, connection, load->input, length);
    }
    keep(connection, load->input + used, length - used);
    return connection->tls != NULL && secure_has_more(connection);
}

void connection_read(struct load *load, struct connection *connection) {
    while (receive(load, connection)) {}
    if (connection->control_end > connection->control_start && !connection->writable_armed) {
        connection_flush(load, connection);
    }
}
