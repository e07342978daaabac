// SPDX-License-Identifier: Apache-2.0
// Brings connections up; see handshake.h.

#include "handshake.h"

#include "clock.h"
#include "failure.h"
#include "session.h"

#include <inttypes.h>

enum { PATIENCE_SECONDS = 10, POLL_MILLISECONDS = 100 };

void handshake_open(struct load *load, struct connection *connection) {
    connection_open(load, connection);
    // Over WebSocket CONNECT has to wait for the answer to the upgrade.
    if (load->options->websocket) connection_flush(load, connection);
    else session_send_connect(load, connection);
}

// Starts `begin` for each connection, never more than --concurrency ahead of the answers counted in `answers`.
static void run(
    struct load *load, struct connection *first, uint32_t count,
    void (*begin)(struct load *, struct connection *), const uint64_t *answers, const char *packet) {
    uint64_t already = *answers, seen = 0;
    uint32_t started = 0;
    uint64_t deadline = clock_now() + clock_from_seconds(PATIENCE_SECONDS);
    while (*answers - already < count) {
        while (started < count && started - (*answers - already) < load->options->concurrency) {
            begin(load, &first[started++]);
        }
        load_turn(load, POLL_MILLISECONDS);
        if (*answers - already != seen) {
            seen = *answers - already;
            deadline = clock_now() + clock_from_seconds(PATIENCE_SECONDS);
        } else if (clock_now() > deadline) {
            fail("No %s came for %d s; %" PRIu64 " of %u connections have theirs. Is this an MQTT listener with room for them?",
                 packet, PATIENCE_SECONDS, seen, count);
        }
    }
}

void handshake_connect(struct load *load, struct connection *first, uint32_t count) {
    run(load, first, count, handshake_open, &load->connacks, "CONNACK");
}

void handshake_subscribe(struct load *load, struct connection *first, uint32_t count) {
    run(load, first, count, session_send_subscribe, &load->subacks, "SUBACK");
}
