// SPDX-License-Identifier: Apache-2.0
// Entry point of the load generator: pins itself and runs the mode asked for. See options.c for the command line.

#include "backlog.h"
#include "churn.h"
#include "failure.h"
#include "fairness.h"
#include "idle.h"
#include "latency.h"
#include "options.h"
#include "relay.h"
#include "retained.h"
#include "sessions.h"
#include "slow.h"
#include "start.h"
#include "storm.h"
#include "subscriptions.h"
#include "throughput.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

static void pin(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    if (sched_setaffinity(0, sizeof cores, &cores) != 0) fail("Core %d cannot be used: %s.", core, strerror(errno));
}

static void self_test_run(struct options options) {
    char port[6];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    relay_start(options.core < 0 ? -1 : (int)((options.core + 1) % cores), port);
    options.host = "127.0.0.1";
    options.port = port;
    options.qos = 0;
    options.protocol_level = 5;
    options.tls = 0;
    options.websocket = options.shared = false;
    options.groups = options.publishers = options.subscribers = 1;
    throughput_run(&options);
}

int main(int count, char **arguments) {
    struct options options = options_parse(count, arguments);
    if (options.core >= 0) pin(options.core);
    switch (options.mode) {
    case MODE_THROUGHPUT: throughput_run(&options); break;
    case MODE_LATENCY: latency_run(&options); break;
    case MODE_FAIRNESS: fairness_run(&options); break;
    case MODE_SLOW: slow_run(&options); break;
    case MODE_IDLE: idle_run(&options); break;
    case MODE_BACKLOG: backlog_run(&options); break;
    case MODE_STORM: storm_run(&options); break;
    case MODE_CHURN: churn_run(&options); break;
    case MODE_RETAINED: retained_run(&options); break;
    case MODE_SUBSCRIPTIONS: subscriptions_run(&options); break;
    case MODE_SESSIONS: sessions_run(&options); break;
    case MODE_START: start_run(&options); break;
    case MODE_SELF_TEST: self_test_run(options); break;
    }
    return 0;
}
