# SPDX-License-Identifier: Apache-2.0
# $SYS under mosquitto's names and EMQX's, and EMQX's events of clients.
import json
import re

from Support import mqtt
from Support.broker import Isthmus, config
from Support.suite import behaviour
from Support.wait import check, equal, until

EVENTS = "sys_topics.sys_event_messages { client_subscribed = true, client_unsubscribed = true }\n"


def started(case, extra=""):
    broker = Isthmus("sys", lambda port: config(port, node="n@here", extra=(
        "sys_topics.sys_heartbeat_interval = 1s\n" + extra)))
    case.finally_(broker.kill)
    return broker.start()


def values(client):
    """Every $SYS topic with its newest value, up to the answer of a ping."""
    seen = {}

    def look():
        client.ping()
        for one in client.inbox:
            seen[one.topic] = one.payload.decode()
        client.inbox.clear()
        return seen
    return look


@behaviour()
def mosquitto_names_are_there(case):
    """What watches a mosquitto by $SYS/broker/ finds its names, with figures that move."""
    broker = started(case)
    client = broker.client("watcher")
    client.subscribe("$SYS/broker/#", "plain")
    client.subscribe("$share/g/shared")
    look = values(client)
    broker.client("kept", clean=False, props={"session_expiry": 100}).close()
    other = broker.client("other")
    for _ in range(3):
        other.publish("nobody", b"12345", qos=1)
    other.publish("kept", b"x", qos=1, retain=True)
    wanted = {
        "clients/total": "3", "clients/connected": "2", "clients/disconnected": "1", "clients/expired": "0",
        "publish/messages/received": "4", "publish/bytes/received": "16", "subscriptions/count": "3",
        "shared_subscriptions/count": "1",
    }
    until(lambda: all(look().get("$SYS/broker/" + k) == v for k, v in wanted.items()), f"{wanted}, got {look()}")
    seen = look()
    check(seen["$SYS/broker/version"].startswith("isthmus version "), seen["$SYS/broker/version"])
    check(re.fullmatch(r"\d+ seconds", seen["$SYS/broker/uptime"]), seen["$SYS/broker/uptime"])
    check(int(seen["$SYS/broker/heap/current"]) > 100_000, "memory in use")
    check(int(seen["$SYS/broker/retained messages/count"]) > 10, "retained messages")
    for what in ("messages/received", "publish/sent", "publish/dropped", "bytes/sent", "connections"):
        for span in ("1min", "5min", "15min"):
            check(re.fullmatch(r"\d+\.\d\d", seen[f"$SYS/broker/load/{what}/{span}"]), f"load/{what}/{span}")
    check(float(seen["$SYS/broker/load/messages/received/1min"]) > 0, "the load of the last minute is seen")


@behaviour()
def emqx_names_are_there(case):
    """What watches an EMQX by $SYS/brokers/ finds its names."""
    broker = started(case)
    client = broker.client("watcher")
    client.subscribe("$SYS/brokers/#", "$SYS/brokers")
    look = values(client)
    below = "$SYS/brokers/n@here/"
    until(lambda: look().get(below + "stats/live_connections/count") == "1", "one connection")
    seen = look()
    equal(seen["$SYS/brokers"], "n@here", "the nodes")
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", seen[below + "datetime"]), seen[below + "datetime"])
    check(int(seen[below + "uptime"]) >= 0 and seen[below + "sysdescr"] and seen[below + "version"], f"{seen}")
    for name in ("connections", "sessions", "topics", "suboptions", "subscriptions", "subscriptions/shared", "retained"):
        count, most = seen[f"{below}stats/{name}/count"], seen[f"{below}stats/{name}/max"]
        check(int(most) >= int(count), f"{name}: {count} of {most}")
    for name in ("bytes/received", "messages/received", "messages/dropped", "client/connected", "delivery/dropped"):
        check(seen[f"{below}metrics/{name}"].isdigit(), name)


@behaviour()
def events_of_clients_are_told(case):
    """A client that comes, subscribes, unsubscribes and goes is told of in JSON, whatever its name."""
    broker = started(case, EVENTS)
    watcher = broker.client("watcher")
    watcher.subscribe("$SYS/brokers/n@here/clients/#")
    watcher.take(mqtt.PUBLISH)
    name = 'a "b"\\c'
    client = broker.client(name, 4, username="ann", keepalive=7)

    def event(kind):
        told = watcher.take(mqtt.PUBLISH, topic=f"$SYS/brokers/n@here/clients/{name}/{kind}", retain=False)
        body = json.loads(told.payload)
        equal((body["clientid"], body["username"], body["ipaddress"]), (name, "ann", "127.0.0.1"), f"{body}")
        check(body["ts"] > 1_600_000_000_000, f"{body}")
        return body
    connected = event("connected")
    equal((connected["proto_ver"], connected["proto_name"], connected["keepalive"], connected["clean_start"]),
          (4, "MQTT", 7, True), "what CONNECT said")
    client.subscribe("$share/g/a/#", qos=1)
    subscribed = event("subscribed")
    equal((subscribed["topic"], subscribed["subopts"]["qos"]), ("$share/g/a/#", 1), "the subscription")
    client.unsubscribe("$share/g/a/#")
    equal(event("unsubscribed")["topic"], "$share/g/a/#", "the filter")
    client.send(mqtt.disconnect(4))
    equal(event("disconnected")["reason"], "normal", "why")
    broker.client("lost").close()
    watcher.take(mqtt.PUBLISH, topic="$SYS/brokers/n@here/clients/lost/connected")
    lost = watcher.take(mqtt.PUBLISH, topic="$SYS/brokers/n@here/clients/lost/disconnected")
    equal(json.loads(lost.payload)["reason"], "tcp_closed", "why")


@behaviour()
def events_can_be_switched_off(case):
    """With the events off nothing is told; a name that would make a wildcard of the topic is not told either."""
    broker = started(case)
    watcher = broker.client("watcher")
    watcher.subscribe("$SYS/brokers/n@here/clients/#")
    broker.client("a/#").close()
    broker.client("plain").close()
    equal(watcher.take(mqtt.PUBLISH).topic, "$SYS/brokers/n@here/clients/plain/connected", "the next event")
    quiet = started(case, "sys_topics.sys_event_messages { client_connected = false, client_disconnected = false }\n")
    watcher = quiet.client("watcher")
    watcher.subscribe("$SYS/brokers/n@here/clients/#", "end")
    quiet.client("other").close()
    quiet.client("last").publish("end", b"x", qos=1)
    equal(watcher.take(mqtt.PUBLISH).topic, "end", "the first message")
