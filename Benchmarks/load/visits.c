// SPDX-License-Identifier: Apache-2.0
// Clients that come, do something and go; see visits.h.

#include "visits.h"

#include "clock.h"
#include "failure.h"
#include "handshake.h"
#include "topology.h"

#include <stdlib.h>

enum { PATIENCE_SECONDS = 5, POLL_MILLISECONDS = 50 };

void visits_prepare(struct visits *visits, const struct options *options, const struct receiver *receiver) {
    load_prepare_clients(&visits->load, options, options->concurrency);
    visits->load.receiver = receiver;
    for (uint32_t i = 0; i < options->concurrency; i++) visits->load.connections[i].fd = -1;
    visits->begun = visits->ended = 0;
    visits->gone = allocate(options->concurrency, sizeof *visits->gone);
    visits->gone_count = 0;
}

void visits_free(struct visits *visits) {
    free(visits->gone);
    topology_close(&visits->load);
}

void visits_end(struct load *load, struct connection *connection) {
    struct visits *visits = (struct visits *)load;
    visits->gone[visits->gone_count++] = connection;
}

static void begin(struct visits *visits, struct connection *connection, uint32_t number) {
    *connection = (struct connection){.number = number, .group = number};
    handshake_open(&visits->load, connection);
    visits->begun++;
}

void visits_run(struct visits *visits, uint32_t first, uint32_t step, uint64_t count, uint64_t deadline) {
    struct load *load = &visits->load;
    uint64_t already = visits->begun, patience = clock_now() + clock_from_seconds(PATIENCE_SECONDS);
    uint32_t places = load->options->concurrency;
    struct connection **free_places = allocate(places, sizeof *free_places);
    uint32_t free_count = 0;
    while (free_count < places) free_places[free_count] = &load->connections[free_count], free_count++;
    for (uint64_t now; (now = clock_now()) < patience;) {
        bool more = visits->begun - already < count && now < deadline;
        if (!more && visits->ended == visits->begun) break;
        while (free_count > 0 && visits->begun - already < count && now < deadline) {
            begin(visits, free_places[--free_count], first + step * (uint32_t)(visits->begun - already));
        }
        load_turn(load, POLL_MILLISECONDS);
        if (visits->gone_count > 0) patience = clock_now() + clock_from_seconds(PATIENCE_SECONDS);
        while (visits->gone_count > 0) {
            struct connection *connection = visits->gone[--visits->gone_count];
            connection_close(connection);
            *connection = (struct connection){.fd = -1};
            free_places[free_count++] = connection;
            visits->ended++;
        }
    }
    free(free_places);
}
