// SPDX-License-Identifier: Apache-2.0
// One client; see connection.h.

#include "connection.h"

#include "block.h"
#include "failure.h"
#include "flight.h"
#include "loop.h"
#include "session.h"
#include "topics.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct connection *first_touched, **last_touched = &first_touched, *first_doomed;
static struct connection *too_slow;  // the receiver that holds back the publisher being read

void connection_open(int descriptor) {
    struct connection *connection = memset(allocate(sizeof *connection), 0, sizeof *connection);
    connection->descriptor = descriptor;
    connection->watched = EPOLLIN;
    loop_watch(descriptor, connection, EPOLLIN, true);
}

// Who does not take its own output is not read either.
static void watch(struct connection *connection) {
    bool blocked = connection->output.blocked;
    bool reads = connection->waits_for == NULL && (!blocked || output_length(&connection->output) < HIGH_WATER);
    uint8_t wanted = (uint8_t)((reads ? EPOLLIN : 0) | (blocked ? EPOLLOUT : 0));
    if (wanted == connection->watched || connection->doomed) return;
    connection->watched = wanted;
    loop_watch(connection->descriptor, connection, wanted, false);
}

void connection_doom(struct connection *connection) {
    if (connection->doomed) return;
    connection->doomed = true;
    connection->next_doomed = first_doomed;
    first_doomed = connection;
}

static void touch(struct connection *connection) {
    if (connection->touched) return;
    connection->touched = true;
    connection->next_touched = NULL;
    *last_touched = connection;
    last_touched = &connection->next_touched;
}

uint8_t *connection_make_room(struct connection *connection, size_t length) {
    struct output *output = &connection->output;
    if (!output->blocked && output_length(output) >= FLUSH_LENGTH) connection_write(connection);
    if (output_length(output) >= HIGH_WATER) connection_hold_back_publisher(connection);
    touch(connection);
    output_grow(output, length);
    // Above the mark everybody who publishes to this connection shall come by here.
    if (output_length(output) >= HIGH_WATER) output->limit = output->end;
    return output->end;
}

void connection_refer(struct connection *connection, const uint8_t *bytes, size_t length) {
    struct output *output = &connection->output;
    output_refer(output, bytes, length);
    if (output_length(output) < FLUSH_LENGTH) return;
    if (!output->blocked) connection_write(connection);
    if (output_length(output) >= HIGH_WATER) connection_hold_back_publisher(connection);
}

void connection_hold_back_publisher(struct connection *receiver) { too_slow = receiver; }

// Who is waited for does not wait, so that nobody waits in a circle.
static void wait_for(struct connection *publisher, struct connection *receiver) {
    if (publisher->first_waiter != NULL || publisher == receiver || publisher->doomed || receiver->doomed) return;
    publisher->waits_for = receiver;
    publisher->next_waiter = receiver->first_waiter;
    receiver->first_waiter = publisher;
    watch(publisher);
}

static void let_publishers_go_on(struct connection *receiver) {
    while (receiver->first_waiter != NULL) {
        struct connection *publisher = receiver->first_waiter;
        receiver->first_waiter = publisher->next_waiter;
        publisher->waits_for = NULL;
        watch(publisher);
    }
}

static void wait_no_longer(struct connection *publisher) {
    struct connection **link = &publisher->waits_for->first_waiter;
    while (*link != publisher) link = &(*link)->next_waiter;
    *link = publisher->next_waiter;
}

// Keeps the beginning of a packet until its rest comes.
static void hold(struct connection *connection, const uint8_t *bytes, size_t length) {
    if (length > connection->held.size || length == 0) {
        pool_give(connection->held);
        connection->held = length == 0 ? (struct buffer){NULL, 0} : pool_take(length);
    }
    if (length > 0) memcpy(connection->held.bytes, bytes, length);
    connection->held_length = (uint32_t)length;
}

void connection_read(struct connection *connection) {
    if (connection->doomed || connection->waits_for != NULL) return;
    size_t held = connection->held_length;
    uint8_t *bytes = block_space(held);
    ssize_t count = recv(connection->descriptor, bytes + held, READ_LENGTH, 0);
    if (count <= 0) {
        if (count == 0 || (errno != EAGAIN && errno != EINTR)) connection_doom(connection);
        return;
    }
    if (held > 0) memcpy(bytes, connection->held.bytes, held);
    size_t length = held + (size_t)count;
    too_slow = NULL;
    size_t used = session_receive(connection, bytes, length);
    if (held > 0 || used < length) hold(connection, bytes + used, length - used);
    if (too_slow != NULL) wait_for(connection, too_slow);
    if (connection->output.blocked) watch(connection);
}

void connection_write(struct connection *connection) {
    if (connection->doomed) return;
    enum output_result result = output_send(&connection->output, connection->descriptor);
    if (result == OUTPUT_BROKEN) {
        connection_doom(connection);
        return;
    }
    watch(connection);
    if (result == OUTPUT_SENT && !flight_is_behind(connection->flight)) let_publishers_go_on(connection);
}

static void end(struct connection *connection) {
    let_publishers_go_on(connection);
    if (connection->waits_for != NULL) wait_no_longer(connection);
    for (uint32_t i = 0; i < connection->subscription_count; i++) {
        topics_unsubscribe(connection->subscriptions[i], connection);
    }
    free(connection->subscriptions);
    close(connection->descriptor);
    output_discard(&connection->output);
    pool_give(connection->held);
    flight_end(connection->flight);
    free(connection);
}

void connections_end_turn(void) {
    while (first_touched != NULL) {
        struct connection *connection = first_touched;
        first_touched = connection->next_touched;
        if (first_touched == NULL) last_touched = &first_touched;
        connection->touched = false;
        if (!connection->output.blocked) connection_write(connection);
    }
    while (first_doomed != NULL) {
        struct connection *connection = first_doomed;
        first_doomed = connection->next_doomed;
        end(connection);
    }
}
