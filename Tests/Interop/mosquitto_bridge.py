# SPDX-License-Identifier: Apache-2.0
# A mosquitto that bridges both ways with this broker at its defaults: everything crosses once, and what is retained is
# kept and cleared on both sides.
from Support.broker import Isthmus, Mosquitto, config
from Support.suite import behaviour
from Support.wait import check, equal, until


class Bridged:
    """This broker with a mosquitto that bridges `#` both ways; `options` are more lines of its connection."""

    def __init__(self, case, *options):
        self.case = case
        self.ours = Isthmus("ours", lambda port: config(port))
        case.finally_(self.ours.kill)
        self.ours.start()
        self.options = "".join(f"{line}\n" for line in options)

    def start(self):
        """Starts the mosquitto, and returns when messages cross in both directions."""
        self.theirs = Mosquitto("theirs", f"connection out\naddress 127.0.0.1:{self.ours.port}\ntopic # both 2\n{self.options}")
        self.case.finally_(self.theirs.kill)
        for here, there in ((self.ours, self.theirs), (self.theirs, self.ours)):
            self.cross(here, there)
        return self

    def cross(self, here, there):
        """Publishes here until it comes there: a bridge takes a while to subscribe."""
        witness, sender = there.client(""), here.client("")
        witness.subscribe("crossing")

        def came():
            sender.publish("crossing", b"x", qos=1)
            witness.ping()
            return bool(witness.inbox)
        until(came, f"messages cross from {here.name} to {there.name}")
        witness.close()
        sender.close()


def everything(broker, *filters):
    client = broker.client("")
    client.subscribe(*filters, qos=2)
    return client


def before_the_ends(client, count):
    """What came up to the last of so many messages on t/end, each acknowledged."""
    got = []
    while count:
        message = client.receive()
        if message.topic == "t/end":
            count -= 1
        else:
            got.append((message.topic, message.payload, message.qos))
    return got


def retained(broker, topic):
    """The retained messages below a topic, as a new subscriber is told them."""
    client = broker.client("")
    client.subscribe(topic + "/#")
    client.ping()
    found = {m.topic: m.payload for m in client.inbox if hasattr(m, "payload")}
    client.close()
    return found


def crosses_once(case, *options):
    pair = Bridged(case, *options).start()
    sides = (pair.ours, pair.theirs)
    readers = [everything(side, "t/#") for side in sides]
    senders = [side.client("") for side in sides]
    for side, sender in zip(sides, senders):
        for number in range(30):
            sender.publish(f"t/{side.name}/{number}", b"%d" % number, qos=number % 3, retain=number % 5 == 0)
    for sender in senders:
        sender.publish("t/end", b"end", qos=2)
    expected = {(f"t/{side.name}/{n}", b"%d" % n, n % 3) for side in sides for n in range(30)}
    for side, reader in zip(sides, readers):
        equal(sorted(before_the_ends(reader, len(sides))), sorted(expected), f"what came on {side.name}")


@behaviour()
def bridged_messages_come_once(case):
    """What is published on either side of a bridge comes once on both, at each QoS."""
    crosses_once(case)


@behaviour()
def bridged_messages_come_once_without_the_private_bit(case):
    """The same with MQTT 5, which has No Local and Retain As Published itself."""
    crosses_once(case, "bridge_protocol_version mqttv50")


@behaviour()
def clears_of_retained_messages_cross_a_bridge(case):
    """A message that is retained on one side is on the other, until it is cleared on any."""
    pair = Bridged(case).start()
    sides = (pair.ours, pair.theirs)
    for here in sides:
        for there in sides:
            topic = f"r/{here.name}/{there.name}"
            here.client("").publish(topic + "/x", b"kept", qos=1, retain=True)
            for side in sides:
                until(lambda: retained(side, topic) == {topic + "/x": b"kept"}, f"{topic} is retained on {side.name}")
            there.client("").publish(topic + "/x", b"", qos=1, retain=True)
            for side in sides:
                until(lambda: retained(side, topic) == {}, f"{topic} is cleared on {side.name}")


@behaviour()
def a_bridge_that_was_away_is_told_what_is_retained(case):
    """Retained messages and clears that wait in our queue for a bridge keep their flag."""
    pair = Bridged(case, "cleansession false", "clientid bridge").start()
    ours = pair.ours.client("")
    ours.publish("r/cleared", b"old", qos=1, retain=True)
    until(lambda: retained(pair.theirs, "r") == {"r/cleared": b"old"}, "the first message is retained there")
    # kill -9: only our broker knows what the bridge missed, and the new mosquitto has a store of its own.
    pair.theirs.kill()
    ours.publish("r/kept", b"new", qos=1, retain=True)
    ours.publish("r/cleared", b"", qos=1, retain=True)
    pair.start()
    until(lambda: retained(pair.theirs, "r") == {"r/kept": b"new"}, "what is retained there is what is retained here")
    check(pair.ours.alive(), "our broker ended")
