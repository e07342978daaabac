# SPDX-License-Identifier: Apache-2.0
"""What is counted: a row is a situation, set up once, and a round of it that is repeated.

A round leaves the broker as it found it, and ends when the broker has nothing left to do.
"""

import fnmatch
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from Support import mqtt

from .wire import VERSION, Wire

BATCH = 100
RULES = 1_000
STOCK_PLUGINS = ("PasswordAuth", "FileACL")


@dataclass(frozen=True)
class Row:
    name: str
    unit: str  # what the instructions are divided by
    prepare: Callable  # of the broker; gives the function that does one round
    rounds: int
    units: int  # in a round
    stock: bool = False  # with the stock plugins


def _publish(topic, size, **more):
    return mqtt.publish(VERSION, topic, b"x" * size, **more)


def _client(broker, name):
    client = Wire(broker.address)
    client.connect(name, **_login(broker))
    return client


def _login(broker):
    return {"username": "ann", "password": b"secret"} if broker.plugins else {}


def _clients(broker, name, count, filters=("plant/line/1",), qos=0):
    """Connected clients that subscribe to the same."""
    found = [_client(broker, f"{name}-{number:03}") for number in range(count)]
    for one in found:
        one.subscribe(filters, qos)
    return found


def qos0(size, batch, subscribers=1, topics=1):
    """Messages to each topic in turn: those of one topic behind each other may go as one, others go singly."""
    names = [f"plant/line/{number}" for number in range(1, topics + 1)]

    def prepare(broker):
        receivers = _clients(broker, "receiver", subscribers, names)
        sender = _client(broker, "sender")
        packets = b"".join(_publish(name, size) for name in names) * (batch // topics)

        def one_round():
            sender.send(packets)
            for receiver in receivers:
                receiver.bytes(packets)
        return one_round
    return prepare


def _acknowledged_pair(broker, qos):
    """A receiver, a sender, and the messages from one to the other."""
    (receiver,) = _clients(broker, "receiver", 1, qos=qos)
    packets = b"".join(_publish("plant/line/1", 16, qos=qos, pid=pid) for pid in range(1, BATCH + 1))
    return receiver, _client(broker, "sender"), packets


def qos1(broker):
    receiver, sender, packets = _acknowledged_pair(broker, 1)

    def one_round():
        sender.send(packets)
        sender.identifiers(mqtt.PUBACK, BATCH)
        receiver.fence(_acknowledge(mqtt.PUBACK, receiver.identifiers(mqtt.PUBLISH, BATCH)))
    return one_round


def qos2(broker):
    receiver, sender, packets = _acknowledged_pair(broker, 2)

    def one_round():
        sender.send(packets)
        sender.send(_acknowledge(mqtt.PUBREL, sender.identifiers(mqtt.PUBREC, BATCH)))
        sender.identifiers(mqtt.PUBCOMP, BATCH)
        receiver.send(_acknowledge(mqtt.PUBREC, receiver.identifiers(mqtt.PUBLISH, BATCH)))
        receiver.fence(_acknowledge(mqtt.PUBCOMP, receiver.identifiers(mqtt.PUBREL, BATCH)))
    return one_round


def _acknowledge(kind, identifiers):
    return b"".join(mqtt.ack(VERSION, kind, pid) for pid in identifiers)


def connect(broker):
    def one_round():
        client = broker.dial()
        client.connect("visitor", **_login(broker))
        client.subscribe(["plant/line/1"])
        broker.say_farewell(client)
    return one_round


def wildcards(broker):
    """Ten of a thousand subscriptions with wildcards match, each of another client."""
    receivers = []
    for number in range(10):
        own = [f"plant/+/{number}/{sensor}/#" for sensor in range(99)]
        receivers += _clients(broker, f"receiver-{number}", 1, [*own, ("plant/+/hall/#", "plant/+/+/3")[number % 2]])
    sender = _client(broker, "sender")
    packets = b"".join(_publish(f"plant/press-{number:02}/hall/3", 16) for number in range(BATCH))

    def one_round():
        sender.send(packets)
        for receiver in receivers:
            receiver.bytes(packets)
    return one_round


def retained(broker):
    """Each of a thousand topics gets a new retained message in turn."""
    sender = _client(broker, "sender")
    batches = [b"".join(_publish(f"plant/line/{batch}/sensor/{number:02}", 16, retain=True) for number in range(BATCH))
               for batch in range(10)]

    def one_round():
        for batch in batches:
            sender.fence(batch)
    one_round()
    return one_round


ROWS = (
    Row("qos0-1-1-16", "message", qos0(16, BATCH), 40, BATCH),
    Row("qos0-1-1-256", "message", qos0(256, BATCH), 40, BATCH),
    Row("qos0-one-in-flight-16", "message", qos0(16, 1), 1000, 1),
    Row("qos0-1-100-16", "delivery", qos0(16, BATCH, 100), 4, BATCH * 100),
    Row("qos0-topics-1-1-16", "message", qos0(16, BATCH, topics=2), 40, BATCH),
    Row("qos0-topics-1-100-16", "delivery", qos0(16, BATCH, 100, topics=2), 4, BATCH * 100),
    Row("qos1-1-1-16", "message", qos1, 20, BATCH),
    Row("qos2-1-1-16", "message", qos2, 20, BATCH),
    Row("connect", "connection", connect, 60, 1),
    Row("wildcards", "message to 10", wildcards, 10, BATCH),
    Row("retained-set", "message", retained, 3, BATCH * 10),
    Row("plugins-qos0-1-1-16", "message", qos0(16, BATCH), 40, BATCH, stock=True),
    Row("plugins-topics-1-1-16", "message", qos0(16, BATCH, topics=2), 40, BATCH, stock=True),
    Row("plugins-connect", "connection", connect, 60, 1, stock=True),
)


def write_plugin_files(folder):
    """One user, and a thousand rules of which the last opens the topic; the settings that name both files."""
    digest = hashlib.sha256(b"secretsalt").hexdigest()
    (folder / "users.csv").write_text(f"user_id,password_hash,salt,is_superuser\nann,{digest},salt,false\n")
    rules = [f'{{allow, {{username, "user-{number}"}}, all, ["plant/{number}/#"]}}.\n' for number in range(RULES - 1)]
    (folder / "acl.conf").write_text("".join(rules) + '{allow, {username, "ann"}, all, ["plant/line/#"]}.\n')
    return f"""\
authentication = [{{
  mechanism = password_based, backend = built_in_database, bootstrap_type = hash
  password_hash_algorithm {{ name = sha256, salt_position = suffix }}
  bootstrap_file = "{folder / "users.csv"}"
}}]
authorization {{ no_match = deny, sources = [{{ type = file, path = "{folder / "acl.conf"}" }}] }}
"""


def select(patterns: str) -> list[Row]:
    """Rows whose name matches one of the comma-separated shell patterns."""
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    for pattern in wanted:
        if not any(fnmatch.fnmatchcase(row.name, pattern) for row in ROWS):
            raise ValueError(f"No row matches \"{pattern}\"; --list shows their names.")
    return [row for row in ROWS if any(fnmatch.fnmatchcase(row.name, pattern) for pattern in wanted)]
