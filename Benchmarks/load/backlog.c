// SPDX-License-Identifier: Apache-2.0
// How fast a broker answers clients that already wait for it; see backlog.h.
// The generator sleeps until the last client has something: waking it for each CONNACK would be the broker's work.

#include "backlog.h"

#include "clock.h"
#include "failure.h"
#include "handshake.h"
#include "report.h"
#include "topology.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOLDING_SECONDS = 5 };

static pid_t held;

static void release(void) { kill(held, SIGCONT); }

static char state_of(pid_t process) {
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *file = fopen(path, "r");
    if (file == NULL) return state;
    // The name in brackets may hold anything but ends at the last bracket.
    char line[512];
    const char *name_end = fgets(line, sizeof line, file) == NULL ? NULL : strrchr(line, ')');
    if (name_end != NULL) state = name_end[2];
    fclose(file);
    return state;
}

static void hold(void) {
    if (kill(held, SIGSTOP) != 0) fail("The broker cannot be stopped for a moment: %s.", strerror(errno));
    uint64_t deadline = clock_now() + clock_from_seconds(HOLDING_SECONDS);
    while (state_of(held) != 'T') {
        if (clock_now() > deadline) fail("The broker did not stop for a moment within %d s.", HOLDING_SECONDS);
    }
}

static struct usage answer(struct load *load, struct connection *first, uint32_t count) {
    uint64_t wanted = load->connacks + count;
    hold();
    for (uint32_t i = 0; i < count; i++) handshake_open(load, &first[i]);
    struct usage before = usage_sample(held);
    uint64_t start = clock_now();
    release();
    struct pollfd last = {.fd = first[count - 1].fd, .events = POLLIN};
    poll(&last, 1, HOLDING_SECONDS * 1000);
    load_await(load, &load->connacks, wanted);
    uint64_t end = clock_now();
    struct usage after = usage_sample(held), usage = usage_between(&before, &after);
    usage.wall = end - start;
    return usage;
}

void backlog_run(const struct options *options) {
    if (options->broker <= 0) fail("A backlog run stops the broker for moments: give its process id (--broker-pid).");
    if (options->tls != 0 || options->websocket) {
        fail("In a backlog run no broker may wait for its clients, as it does with TLS and WebSocket: leave them out.");
    }
    struct load load;
    load_prepare_clients(&load, options, options->connections);
    held = options->broker;
    atexit(release);
    struct usage usage = {0};
    for (uint32_t first = 0, count; first < options->connections; first += count) {
        count = options->connections - first;
        if (count > options->concurrency) count = options->concurrency;
        struct usage one = answer(&load, &load.connections[first], count);
        usage = usage_sum(&usage, &one);
        if (load.connacks < first + count) fail("%u clients waited in the backlog, and not all were answered.", count);
    }
    double count = options->connections;
    report_number("connections", count);
    report_number("connects", count / clock_to_seconds(usage.wall));
    report_number("broker_ns", (double)usage.broker_cpu / count);
    // What a core of the broker could do, whoever else uses the machine meanwhile.
    report_number("core_connects", count / clock_to_seconds(usage.broker_cpu > 0 ? usage.broker_cpu : usage.wall));
    report_end(&load, &usage, (int64_t)(options->connections - load.connacks));
    topology_close(&load);
}
