// SPDX-License-Identifier: Apache-2.0
// The command line of the load generator; see options.h.

#include "options.h"

#include "failure.h"
#include "packets.h"
#include "payload.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: load MODE [OPTION...]\n"
    "\n"
    "Puts load on an MQTT broker from one thread and prints one JSON object.\n"
    "\n"
    "Modes:\n"
    "  throughput   groups of publishers and subscribers, as fast as a window of\n"
    "               undelivered messages allows (nothing is lost by overrunning)\n"
    "  latency      messages at a fixed rate, timed from the moment each was due\n"
    "  fairness     latency of a quiet pair alone, then beside saturating pairs\n"
    "  slow         receivers of one topic alone, then beside some that do not read\n"
    "  idle         many connections with one subscription each: connect rate, memory\n"
    "  backlog      clients that wait for a broker that is held: how fast it answers them\n"
    "  storm        clients that connect and subscribe all at once\n"
    "  churn        clients that come, subscribe, publish one message and go\n"
    "  retained     retained messages set, then all received by one subscriber\n"
    "  subscriptions  many of them: rate, memory, what a message costs among them\n"
    "  sessions     sessions without a connection, with queues; some are resumed\n"
    "  start        from exec to the first CONNACK: load start ... -- COMMAND...\n"
    "  self-test    throughput against a relay thread that only copies bytes: what the\n"
    "               generator itself can do (QoS 0, one publisher, one subscriber)\n"
    "\n"
    "Options (default):\n"
    "  --host NAME, --port PORT   broker (127.0.0.1, 1883)\n"
    "  --tls 12|13                TLS 1.2 or 1.3; certificates are not checked (plain)\n"
    "  --ws                       over WebSocket, path /mqtt, subprotocol mqtt\n"
    "  --protocol 4|5             MQTT 3.1.1 or 5 (5)\n"
    "  --username U, --password P of every client (none)\n"
    "  --qos 0|1|2                of messages and subscriptions (0)\n"
    "  --size BYTES               payload (16); from 8 on disorder is noticed\n"
    "  --groups N                 topics with publishers and subscribers of their own (1)\n"
    "  --publishers N             a group (1)\n"
    "  --subscribers N            a group (1)\n"
    "  --shared                   a group's subscribers share one subscription: each\n"
    "                             message is for one of them\n"
    "  --window N                 messages a publisher may be ahead of the slowest\n"
    "                             subscriber, and in flight at QoS 1 and 2 (1000)\n"
    "  --warm-up S, --seconds S   not measured, then measured (0.5, 2)\n"
    "  --rate N                   latency: messages a second over all groups; fairness:\n"
    "                             of the quiet pair; slow: of the publisher (5000)\n"
    "  --percent N                latency: instead of a rate, this part of what the same\n"
    "                             connections reach within the window before\n"
    "  --slow-receivers N         slow: how many do not read (1000)\n"
    "  --connections N            clients of idle, backlog, storm and subscriptions;\n"
    "                             sessions (10000)\n"
    "  --filters N                subscriptions: a client (1000)\n"
    "  --messages N               retained: how many; sessions: queued for each (5)\n"
    "  --resumed N                sessions: how many come back (1000)\n"
    "  --starts N                 start: how often (5)\n"
    "  --concurrency N            handshakes, visits of churn and sessions, clients in\n"
    "                             the backlog under way at once (64)\n"
    "  --broker-pid PID           report the broker's CPU time and memory\n"
    "  --core N                   run on this core only\n"
    "  --broker-core N            start: run the broker on this core only\n"
    "  --help                     this text\n"
    "\n"
    "Examples:\n"
    "  load throughput --subscribers 100 --size 256 --window 512\n"
    "  load throughput --groups 50 --window 1        one message in flight a pair\n"
    "  load latency --groups 50 --rate 5000\n"
    "  load fairness --window 4096 --rate 1000\n"
    "  load slow --subscribers 10 --slow-receivers 1000 --qos 1\n";

enum option_code {
    OPTION_HOST = 256, OPTION_PORT, OPTION_TLS, OPTION_PROTOCOL, OPTION_USERNAME, OPTION_PASSWORD, OPTION_QOS,
    OPTION_SIZE, OPTION_GROUPS, OPTION_PUBLISHERS,
    OPTION_SUBSCRIBERS, OPTION_WINDOW, OPTION_WARM_UP, OPTION_SECONDS, OPTION_RATE, OPTION_CONNECTIONS,
    OPTION_CONCURRENCY, OPTION_FILTERS, OPTION_MESSAGES, OPTION_RESUMED, OPTION_STARTS, OPTION_WEBSOCKET, OPTION_SHARED,
    OPTION_PERCENT, OPTION_SLOW_RECEIVERS, OPTION_BROKER_PID, OPTION_CORE, OPTION_BROKER_CORE, OPTION_HELP,
};

static const struct option long_options[] = {
    {"host", required_argument, NULL, OPTION_HOST},
    {"port", required_argument, NULL, OPTION_PORT},
    {"tls", required_argument, NULL, OPTION_TLS},
    {"ws", no_argument, NULL, OPTION_WEBSOCKET},
    {"protocol", required_argument, NULL, OPTION_PROTOCOL},
    {"username", required_argument, NULL, OPTION_USERNAME},
    {"password", required_argument, NULL, OPTION_PASSWORD},
    {"qos", required_argument, NULL, OPTION_QOS},
    {"size", required_argument, NULL, OPTION_SIZE},
    {"groups", required_argument, NULL, OPTION_GROUPS},
    {"publishers", required_argument, NULL, OPTION_PUBLISHERS},
    {"subscribers", required_argument, NULL, OPTION_SUBSCRIBERS},
    {"window", required_argument, NULL, OPTION_WINDOW},
    {"warm-up", required_argument, NULL, OPTION_WARM_UP},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"shared", no_argument, NULL, OPTION_SHARED},
    {"percent", required_argument, NULL, OPTION_PERCENT},
    {"slow-receivers", required_argument, NULL, OPTION_SLOW_RECEIVERS},
    {"connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"concurrency", required_argument, NULL, OPTION_CONCURRENCY},
    {"filters", required_argument, NULL, OPTION_FILTERS},
    {"messages", required_argument, NULL, OPTION_MESSAGES},
    {"resumed", required_argument, NULL, OPTION_RESUMED},
    {"starts", required_argument, NULL, OPTION_STARTS},
    {"broker-pid", required_argument, NULL, OPTION_BROKER_PID},
    {"core", required_argument, NULL, OPTION_CORE},
    {"broker-core", required_argument, NULL, OPTION_BROKER_CORE},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static uint32_t parse_number(const char *text, const char *name, uint32_t least, uint32_t most) {
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value < least || value > most) {
        fail("--%s must be a number from %u to %u, not \"%s\".", name, least, most, text);
    }
    return (uint32_t)value;
}

static const char *parse_credential(const char *text, const char *name) {
    if (strlen(text) > CREDENTIAL_CAPACITY) fail("--%s has at most %d bytes.", name, CREDENTIAL_CAPACITY);
    return text;
}

static double parse_seconds(const char *text, const char *name) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0 && value <= 86400)) {
        fail("--%s must be seconds from 0 to 86400, not \"%s\".", name, text);
    }
    return value;
}

static enum mode parse_mode(const char *name) {
    static const char *const names[] = {
        "throughput", "latency", "fairness", "slow", "idle", "backlog", "storm", "churn", "retained", "subscriptions",
        "sessions", "start", "self-test",
    };
    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++) {
        if (strcmp(name, names[i]) == 0) return (enum mode)i;
    }
    fail("There is no mode \"%s\"; load --help lists them.", name);
}

static void parse_option(struct options *options, int code) {
    switch (code) {
    case OPTION_HOST: options->host = optarg; break;
    case OPTION_PORT: options->port = optarg; break;
    case OPTION_TLS: options->tls = (int)parse_number(optarg, "tls", 12, 13); break;
    case OPTION_WEBSOCKET: options->websocket = true; break;
    case OPTION_PROTOCOL: options->protocol_level = (int)parse_number(optarg, "protocol", 4, 5); break;
    case OPTION_USERNAME: options->username = parse_credential(optarg, "username"); break;
    case OPTION_PASSWORD: options->password = parse_credential(optarg, "password"); break;
    case OPTION_QOS: options->qos = (int)parse_number(optarg, "qos", 0, 2); break;
    case OPTION_SIZE: options->payload_length = parse_number(optarg, "size", 0, 16u << 20); break;
    case OPTION_GROUPS: options->groups = parse_number(optarg, "groups", 1, 60000); break;
    case OPTION_PUBLISHERS: options->publishers = parse_number(optarg, "publishers", 1, 60000); break;
    case OPTION_SUBSCRIBERS: options->subscribers = parse_number(optarg, "subscribers", 1, 60000); break;
    case OPTION_WINDOW: options->window = parse_number(optarg, "window", 1, UINT16_MAX); break;
    case OPTION_WARM_UP: options->warm_up = parse_seconds(optarg, "warm-up"); break;
    case OPTION_SECONDS: options->seconds = parse_seconds(optarg, "seconds"); break;
    case OPTION_RATE: options->rate = parse_number(optarg, "rate", 1, 1000000); break;
    case OPTION_SHARED: options->shared = true; break;
    case OPTION_PERCENT: options->percent = parse_number(optarg, "percent", 1, 100); break;
    case OPTION_SLOW_RECEIVERS: options->slow = parse_number(optarg, "slow-receivers", 1, 60000); break;
    case OPTION_CONNECTIONS: options->connections = parse_number(optarg, "connections", 1, 1000000); break;
    case OPTION_CONCURRENCY: options->concurrency = parse_number(optarg, "concurrency", 1, 100000); break;
    case OPTION_FILTERS: options->filters = parse_number(optarg, "filters", 1, 100000); break;
    case OPTION_MESSAGES: options->messages = parse_number(optarg, "messages", 1, 1000000); break;
    case OPTION_RESUMED: options->resumed = parse_number(optarg, "resumed", 1, 1000000); break;
    case OPTION_STARTS: options->starts = parse_number(optarg, "starts", 1, 1000); break;
    case OPTION_BROKER_PID: options->broker = (pid_t)parse_number(optarg, "broker-pid", 1, INT32_MAX); break;
    case OPTION_CORE: options->core = (int)parse_number(optarg, "core", 0, 1023); break;
    case OPTION_BROKER_CORE: options->broker_core = (int)parse_number(optarg, "broker-core", 0, 1023); break;
    case OPTION_HELP:
        fputs(help, stdout);
        exit(0);
    default: fail("Wrong command line; load --help lists the options.");
    }
}

struct options options_parse(int count, char **arguments) {
    struct options options = {
        .host = "127.0.0.1", .port = "1883", .protocol_level = 5, .payload_length = 16,
        .groups = 1, .publishers = 1, .subscribers = 1, .window = 1000, .rate = 5000, .slow = 1000,
        .connections = 10000, .concurrency = 64, .warm_up = 0.5, .seconds = 2, .core = -1,
        .filters = 1000, .messages = 5, .resumed = 1000, .starts = 5, .broker_core = -1,
    };
    for (int code; (code = getopt_long(count, arguments, "", long_options, NULL)) != -1;) parse_option(&options, code);
    if (optind == count) fail("Give a mode first; load --help lists them.");
    options.mode = parse_mode(arguments[optind]);
    options.command = &arguments[optind + 1];
    if (options.mode != MODE_START && optind != count - 1) fail("Give exactly one mode; load --help lists them.");
    if (options.shared && (options.publishers > 1 || options.payload_length < PAYLOAD_ORDER_LENGTH)) {
        fail("--shared needs one publisher a group and a payload of at least %d bytes, to tell whether each message came "
             "once.", PAYLOAD_ORDER_LENGTH);
    }
    return options;
}
