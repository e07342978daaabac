// SPDX-License-Identifier: Apache-2.0
// From exec to the first CONNACK; see start.h.
// The generator tries to connect without a pause, which on loopback takes some 10 µs a time: that is the resolution.

#include "start.h"

#include "clock.h"
#include "failure.h"
#include "packets.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 10 };

struct start {
    uint64_t nanoseconds;
    double resident;
    struct usage usage;
};

static pid_t broker;

static void end_broker(void) {
    if (broker <= 0) return;
    kill(broker, SIGTERM);
    waitpid(broker, NULL, 0);
    broker = 0;
}

// The child: `started` is shared with the parent.
static _Noreturn void become_broker(const struct options *options, uint64_t *started) {
    // However the generator ends, no broker is left behind.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int nowhere = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++) dup2(nowhere, i);
    if (options->broker_core >= 0) {
        cpu_set_t cores;
        CPU_ZERO(&cores);
        CPU_SET(options->broker_core, &cores);
        sched_setaffinity(0, sizeof cores, &cores);
    }
    *started = clock_now();
    execvp(options->command[0], options->command);
    _exit(127);
}

static int connect_to(const struct addrinfo *address, const char *name) {
    for (uint64_t deadline = clock_now() + clock_from_seconds(PATIENCE_SECONDS); clock_now() < deadline;) {
        int status, descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (descriptor < 0) fail("A socket cannot be opened: %s.", strerror(errno));
        if (connect(descriptor, address->ai_addr, address->ai_addrlen) == 0) return descriptor;
        close(descriptor);
        if (waitpid(broker, &status, WNOHANG) == broker) {
            broker = 0;
            fail("%s ended with status %d at its start.", name, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
        }
    }
    fail("%s did not listen within %d s.", name, PATIENCE_SECONDS);
}

static void exchange(const struct options *options, int descriptor) {
    uint8_t packet[HANDSHAKE_PACKET_CAPACITY];
    struct connect_shape shape = {
        .protocol_level = options->protocol_level, .client_identifier = "load-start",
        .username = options->username, .password = options->password,
    };
    size_t length = encode_connect(packet, &shape);
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (send(descriptor, packet, length, MSG_NOSIGNAL) != (ssize_t)length
        || recv(descriptor, packet, 4, MSG_WAITALL) != 4 || packet[0] != 0x20 || packet[3] != 0) {
        fail("%s answered the first CONNECT with no CONNACK, or refused it.", options->command[0]);
    }
}

static struct start start_once(const struct options *options, const struct addrinfo *address, uint64_t *started) {
    struct usage before = usage_sample(0);
    broker = fork();
    if (broker < 0) fail("No process can be started: %s.", strerror(errno));
    if (broker == 0) become_broker(options, started);
    int descriptor = connect_to(address, options->command[0]);
    exchange(options, descriptor);
    uint64_t end = clock_now();
    struct usage after = usage_sample(broker);
    struct start start = {end - *started, (double)resident_bytes(broker), usage_between(&before, &after)};
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(descriptor);
    end_broker();
    return start;
}

static int compare(const void *one, const void *other) {
    uint64_t a = ((const struct start *)one)->nanoseconds, b = ((const struct start *)other)->nanoseconds;
    return (a > b) - (a < b);
}

void start_run(const struct options *options) {
    if (options->command[0] == NULL) fail("A start run needs the broker's command after \"--\".");
    struct load load = {.options = options, .address = load_resolve(options)};
    uint64_t *started = mmap(NULL, sizeof *started, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (started == MAP_FAILED) fail("No memory can be shared: %s.", strerror(errno));
    atexit(end_broker);
    struct start *starts = allocate(options->starts, sizeof *starts);
    struct usage usage = {0};
    for (uint32_t i = 0; i < options->starts; i++) {
        starts[i] = start_once(options, load.address, started);
        usage = usage_sum(&usage, &starts[i].usage);
    }
    qsort(starts, options->starts, sizeof *starts, compare);
    const struct start *median = &starts[options->starts / 2];
    report_number("starts", options->starts);
    report_number("start", (double)median->nanoseconds / 1000);
    report_number("slowest", (double)starts[options->starts - 1].nanoseconds / 1000);
    report_number("broker_ns", (double)usage.broker_cpu / options->starts);
    report_number("bytes", median->resident);
    report_end(&load, &usage, 0);
    free(starts);
    freeaddrinfo(load.address);
}
