// SPDX-License-Identifier: Apache-2.0
// Everything one run of the load generator knows: its connections, their groups, one epoll, one read buffer.
// One thread sees both ends of every message; that is what makes the credit window and the loss count exact.

#pragma once

#include "connection.h"
#include "histogram.h"
#include "options.h"
#include "packets.h"
#include "receiver.h"

#include <netdb.h>

// One topic with its publishers and subscribers.
struct group {
    struct ring *rings;       // one a publisher
    struct connection *subscribers;
    struct connection *publishers;
    uint64_t published;
    uint64_t offered;         // within the window: no more messages than these may be published
    uint32_t next_publisher;  // who is served first next time
    bool touched;             // something was received or acknowledged in this turn
    bool *taken;              // by ring index, if each message is for one subscriber only: whether one had it
    uint64_t settled;         // then: the first message that nobody has had yet
};

struct load {
    const struct options *options;
    struct addrinfo *address;
    int epoll;
    struct connection *connections;  // all subscribers, then all publishers, then those that do not read
    uint32_t connection_count, subscriber_count;
    struct group *groups;            // NULL where there are no groups
    const struct receiver *receiver; // what the mode does with packets itself, where there are no groups
    uint32_t session_expiry;         // seconds; 0 = every session is new and ends with its connection
    uint32_t *touched;               // groups touched in this turn
    uint32_t touched_count;
    uint8_t *input;
    size_t input_capacity;
    uint64_t connacks, subacks;
    uint64_t received;               // messages, by all subscribers
    uint64_t acknowledged;           // messages, by the broker
    uint64_t disorder;               // messages that were not the next one, or acknowledgements that were not
    uint64_t refused;                // acknowledgements with a reason code of failure
    struct histogram *latency;       // NULL: messages are not timed
    uint64_t latency_from, latency_until;
    uint64_t arrival;                // when what is being read arrived, if messages are timed
};

// The broker's address.
struct addrinfo *load_resolve(const struct options *options);

// For the groups that the options ask for, or for a number of clients without groups.
void load_prepare(struct load *load, const struct options *options);
void load_prepare_clients(struct load *load, const struct options *options, uint32_t count);

// Waits up to `timeout` milliseconds for events and handles each once. Returns false when nothing happened.
bool load_turn(struct load *load, int timeout);

// Turns until a count has grown to `wanted`. Returns false when it has not grown for some seconds.
bool load_await(struct load *load, const uint64_t *count, uint64_t wanted);

// A last look for what came twice, or unasked: turns until nothing has come for a moment.
void load_settle(struct load *load);

// The topic of a group, or of an idle connection: at most LOAD_TOPIC_NAME_LENGTH bytes.
enum { LOAD_TOPIC_NAME_LENGTH = 16 };
void load_topic_name(char *out, uint32_t number);

static inline void load_touch(struct load *load, uint32_t number) {
    if (load->groups[number].touched) return;
    load->groups[number].touched = true;
    load->touched[load->touched_count++] = number;
}
