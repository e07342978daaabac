// SPDX-License-Identifier: Apache-2.0
// The command line of the load generator: what to measure, against which broker, how long.

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum mode {
    MODE_THROUGHPUT, MODE_LATENCY, MODE_FAIRNESS, MODE_SLOW, MODE_IDLE, MODE_BACKLOG, MODE_STORM, MODE_CHURN, MODE_RETAINED,
    MODE_SUBSCRIPTIONS, MODE_SESSIONS, MODE_START, MODE_SELF_TEST,
};

struct options {
    enum mode mode;
    const char *host;
    const char *port;
    int tls;                 // 0 = plain, 12 = TLS 1.2, 13 = TLS 1.3
    bool websocket;          // MQTT over WebSocket
    int protocol_level;      // 4 = MQTT 3.1.1, 5 = MQTT 5
    const char *username;    // NULL = none
    const char *password;    // NULL = none
    int qos;
    uint32_t payload_length;
    uint32_t groups;         // one topic each
    uint32_t publishers;     // a group
    uint32_t subscribers;    // a group
    uint32_t window;         // messages a publisher may be ahead of the slowest subscriber
    bool shared;             // the subscribers of a group share one subscription
    uint32_t rate;           // messages a second that are due
    uint32_t percent;        // of the broker's saturation, instead of a rate; 0 = the rate
    uint32_t slow;           // receivers that do not read
    uint32_t connections;    // clients of a run without groups; sessions
    uint32_t concurrency;    // handshakes, or clients that come and go, under way at once
    uint32_t filters;        // a client of a subscriptions run
    uint32_t messages;       // retained, or queued for each session
    uint32_t resumed;        // sessions
    uint32_t starts;         // of the broker
    char **command;          // that starts the broker, up to a NULL
    int broker_core;         // -1 = any; of a broker that is started here
    double warm_up;          // seconds
    double seconds;
    pid_t broker;            // 0 = unknown, no figures of its CPU and memory
    int core;                // -1 = any; the self-test's relay runs on the core after it
};

// Ends the process with a sentence when an option is wrong, and after --help.
struct options options_parse(int count, char **arguments);
