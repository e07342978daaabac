# SPDX-License-Identifier: Apache-2.0
# MQTT 5 enhanced authentication, served by a plugin in C whose method is "reverse": it sends a text, answering from
# another thread, and wants it back reversed. Data "moved" sends the client to another server.
from Support import mqtt
from Support.broker import Isthmus, config, scratch
from Support.client import Client
from Support.suite import ROOT, behaviour, check
from Support.tools import command
from Support.wait import equal

PLUGIN = r"""
#include "isthmus_plugin.h"
#include <stdlib.h>
#include <string.h>

ISTH_PLUGIN_STAMP
static const isth_host *host;

typedef struct { char text[9]; } exchange;            /* hangs in the client's slot between two steps */
typedef struct { isth_id ticket; int goes_on; char data[9]; } later;

static void answer(isth_id ticket, isth_result result, int goes_on, const char *data) {
  isth_decision d = {.size = sizeof d, .result = result, .auth_continue = goes_on};
  d.auth_data = (isth_bytes){(const uint8_t *)data, strlen(data)};
  if (!goes_on) d.username = ISTH_STR("proved");
  host->answer(host->ctx, ticket, &d);
}

static void answer_later(void *ud) {
  later *job = ud;
  answer(job->ticket, ISTH_ALLOW, job->goes_on, job->data);
  free(job);
}

static isth_result step(void *self, const isth_client *c, isth_id ticket, int32_t phase, isth_str method,
                        isth_bytes data) {
  (void)self;
  if (method.len != 7 || memcmp(method.ptr, "reverse", 7)) return ISTH_NEXT;
  if (data.len == 5 && !memcmp(data.ptr, "moved", 5)) {
    isth_decision d = {.size = sizeof d, .result = ISTH_DENY, .reason_code = 0x9D};
    d.server_reference = ISTH_STR("other.example:1883");
    host->answer(host->ctx, ticket, &d);
    return ISTH_LATER;
  }
  later *job = calloc(1, sizeof *job);
  job->ticket = ticket;
  if (phase != ISTH_AUTH_CONTINUE) {
    free(*c->slot);
    exchange *x = *c->slot = calloc(1, sizeof *x);
    for (int i = 0; i < 8; i++) x->text[i] = 'a' + rand() % 26;
    job->goes_on = 1;
    memcpy(job->data, x->text, sizeof job->data);
  } else {
    const exchange *x = *c->slot;
    int right = x && data.len == 8;
    for (int i = 0; right && i < 8; i++) right = data.ptr[i] == x->text[7 - i];
    free(*c->slot);
    *c->slot = NULL;
    if (!right) {
      free(job);
      return ISTH_DENY;
    }
    memcpy(job->data, "welcome", 8);
  }
  if (host->run_blocking(host->ctx, answer_later, job) == ISTH_OK) return ISTH_LATER;
  free(job);
  return ISTH_ERROR;
}

static isth_result may(void *self, const isth_client *c, isth_id ticket, int32_t access, isth_str topic, uint8_t qos,
                       uint8_t retain) {
  (void)self, (void)ticket, (void)access, (void)topic, (void)qos, (void)retain;
  return c->username.len == 6 && !memcmp(c->username.ptr, "proved", 6) ? ISTH_ALLOW : ISTH_DENY;
}

static void closed(void *self, const isth_client *c, uint8_t reason_code, isth_str reason) {
  (void)self, (void)reason_code, (void)reason;
  free(*c->slot);
  *c->slot = NULL;
}

static int32_t start(void *self, isth_hooks *hooks) {
  (void)self;
  hooks->client_auth_step = step;
  hooks->client_authorize = may;
  hooks->client_closed = closed;
  return ISTH_OK;
}

ISTH_EXPORT int32_t isth_plugin_open(const isth_host *h, isth_plugin *out) {
  host = h;
  out->size = sizeof *out, out->abi = ISTH_ABI;
  out->name = "Reverse", out->version = "1.0";
  out->flags = ISTH_GUARDS;
  out->start = start;
  return ISTH_OK;
}
"""

CONTINUE, AGAIN = 0x18, 0x19


def reverse(case, extra=""):
    """A broker with the plugin."""
    folder = scratch("reverse")
    (folder / "reverse.c").write_text(PLUGIN)
    command("cc", "-shared", "-fPIC", "-std=c11", "-Wall", "-Werror", "-I", ROOT / "Sources/PluginAPI/include", "-o",
            folder / "libReverse.so", folder / "reverse.c")
    broker = Isthmus("reverse", lambda port: config(port, plugins=["Reverse"], extra=extra), plugin_dir=folder)
    case.finally_(broker.kill)
    return broker.start()


def begin(case, broker, client_id, method="reverse", data=None, expiry=0, **options):
    """Sends a CONNECT with the method."""
    client = Client(broker.address, 5, client_id)
    case.finally_(client.close)
    props = {"auth_method": method, "session_expiry": expiry}
    if data is not None:
        props["auth_data"] = data
    client.send(mqtt.connect(5, client_id, props=props, **options))
    return client


def challenge(client):
    found = client.take(mqtt.AUTH, reason=CONTINUE)
    equal(found.properties["auth_method"], "reverse", "method of the AUTH [MQTT-4.12.0-5]")
    return found.properties["auth_data"]


def connected(case, broker, client_id, **options):
    client = begin(case, broker, client_id, **options)
    client.send(mqtt.auth(CONTINUE, "reverse", challenge(client)[::-1]))
    client.connack = client.expect(mqtt.CONNACK, reason=0)
    return client


@behaviour("MQTT-4.12.0-2", "MQTT-4.12.0-5", "MQTT-3.15.2-2")
def exchange_before_the_connack(case):
    """The plugin's data goes to the client and back, and the last of it comes with the CONNACK."""
    broker = reverse(case)
    client = connected(case, broker, "c")
    equal(client.connack.properties["auth_method"], "reverse", "method of the CONNACK")
    equal(client.connack.properties["auth_data"], b"welcome", "data of the CONNACK")
    client.subscribe("a")
    client.publish("a", b"x", qos=1)
    client.take(mqtt.PUBLISH, payload=b"x")


@behaviour("MQTT-4.12.0-1", "MQTT-4.12.0-3", "MQTT-4.12.0-4", "MQTT-3.1.2-30")
def refusals(case):
    """Wrong data, unknown methods, no method and wrong packets are refused, and nobody else notices."""
    broker = reverse(case, "mqtt.idle_timeout = 1s\n")
    served = connected(case, broker, "served")
    client = begin(case, broker, "wrong")
    challenge(client)
    client.send(mqtt.auth(CONTINUE, "reverse", b"nonsense"))
    client.expect_end(reasons=[0x87])
    begin(case, broker, "unknown", method="obverse").expect_end(reasons=[0x8C])
    for version in (3, 4, 5):
        client = Client(broker.address, version, f"plain{version}")
        case.finally_(client.close)
        client.send(mqtt.connect(version, f"plain{version}"))
        client.expect(mqtt.CONNACK, reason=0x87 if version == 5 else 5)
        client.expect_end()
    for name, data in {
        "ping": mqtt.pingreq(), "publish": mqtt.publish(5, "a", b"x"), "other": mqtt.auth(CONTINUE, "obverse", b"x"),
        "again": mqtt.auth(AGAIN, "reverse"), "success": mqtt.auth(0, "reverse"), "empty": b"\xf0\x00",
    }.items():
        client = begin(case, broker, name)
        challenge(client)
        client.send(data)
        client.expect_end(reasons=[0x82])
    silent = begin(case, broker, "silent")
    challenge(silent)
    silent.expect_end(reasons=[0x87])
    served.ping()


@behaviour("MQTT-4.12.1-1", "MQTT-4.12.1-2")
def authentication_again(case):
    """A client authenticates again while it publishes and receives; it is closed when it fails."""
    broker = reverse(case)
    client = connected(case, broker, "c")
    client.subscribe("a")
    for _ in range(3):
        client.send(mqtt.auth(AGAIN, "reverse"))
        text = challenge(client)
        client.publish("a", b"meanwhile", qos=1)
        client.take(mqtt.PUBLISH, payload=b"meanwhile")
        client.send(mqtt.auth(CONTINUE, "reverse", text[::-1]))
        done = client.take(mqtt.AUTH, reason=0)
        equal(done.properties, {"auth_method": "reverse", "auth_data": b"welcome"}, "properties of the AUTH")
    client.send(mqtt.auth(AGAIN, "reverse"))
    challenge(client)
    client.send(mqtt.auth(CONTINUE, "reverse", b"nonsense"))
    client.expect_end(reasons=[0x87])
    client = connected(case, broker, "c")
    client.send(mqtt.auth(AGAIN, "obverse"))
    client.expect_end(reasons=[0x82])


@behaviour()
def server_reference(case):
    """A plugin that sends a client elsewhere says where."""
    client = begin(case, reverse(case), "c", data=b"moved")
    connack = client.expect(mqtt.CONNACK, reason=0x9D)
    equal(connack.properties["server_reference"], "other.example:1883", "Server Reference")
    client.expect_end()


@behaviour()
def session_and_will(case):
    """The CONNECT that an exchange is about keeps its session and its will."""
    broker = reverse(case)
    watcher = connected(case, broker, "watcher")
    watcher.subscribe("gone")
    client = connected(case, broker, "c", expiry=60, will={"topic": "gone", "payload": b"will"})
    client.subscribe("a")
    client.close()
    watcher.receive("will")
    watcher.publish("a")
    again = connected(case, broker, "c", clean=False, expiry=60)
    equal(again.connack.session_present, True, "Session Present")
    again.take(mqtt.PUBLISH, topic="a")


@behaviour()
def many_at_once(case):
    """Many clients in the middle of their exchange, some of which leave, disturb each other in nothing."""
    broker = reverse(case)
    clients = [begin(case, broker, f"c{number}") for number in range(60)]
    for number, client in enumerate(clients):
        if number % 3 == 0:
            client.close()
    staying = [client for number, client in enumerate(clients) if number % 3]
    for client in staying:
        client.send(mqtt.auth(CONTINUE, "reverse", challenge(client)[::-1]))
    for client in staying:
        client.expect(mqtt.CONNACK, reason=0)
        client.ping()
