# SPDX-License-Identifier: Apache-2.0
# paho-mqtt, which does MQTT 3.1, 3.1.1 and 5.0 over every transport.
import queue

from Interop.clients.parts import Driver, Message, authority, cut, matrix, need
from Interop.clients.properties import from_paho, subscribe_options, to_paho
from Interop.clients.scenarios import SCENARIOS
from Support.broker import Isthmus
from Support.suite import behaviour, check
from Support.transports import Address
from Support.wait import PATIENCE, equal

try:
    import paho.mqtt.client as library
    from paho.mqtt.enums import CallbackAPIVersion
except ImportError:
    library = None


class Paho(Driver):
    library = library
    comes_back = False

    def open(self, clean, expiry, will):
        five, transports = self.version == 5, {"ws": "websockets", "wss": "websockets", "unix": "unix"}
        self.events = queue.Queue()
        self.client = library.Client(
            CallbackAPIVersion.VERSION2, self.id, None if five else clean, protocol=self.version,
            transport=transports.get(self.kind, "tcp"), reconnect_on_failure=self.comes_back)
        self.client.on_connect = lambda _, __, flags, code, ___: self.events.put((code.value, flags.session_present))
        self.client.on_subscribe = lambda _, __, mid, codes, ___: self.events.put((mid, codes))
        self.client.on_message = lambda _, __, m: self.messages.put(
            Message(m.topic, m.payload, m.qos, m.retain, from_paho(getattr(m, "properties", None))))
        self.client.on_disconnect = lambda _, __, flags, code, ___: self.ends.put(
            code.value if flags.is_disconnect_packet_from_server else None)
        if will:
            self.client.will_set(*will[:4], to_paho("WILLMESSAGE", will[4]) if five else None)
        if self.kind in ("ssl", "wss"):
            self.client.tls_set(authority())
        more = {} if not five else {"clean_start": clean, "properties": to_paho(
            "CONNECT", {"user_property": [("by", "paho")], **({"session_expiry_interval": expiry} if expiry else {})})}
        self.client.connect(*(self.where[0], self.where[1] or 1), **more)
        self.client.loop_start()
        code, self.session_present = self.events.get(timeout=PATIENCE)
        check(code == 0, f"CONNECT was refused with {code}")

    def subscribe(self, topic_filter, qos, **more):
        self.client.subscribe(topic_filter, **subscribe_options(self.version, qos, more))
        codes = self.events.get(timeout=PATIENCE)[1]
        check([code.value for code in codes] == [qos], f"SUBSCRIBE {topic_filter} was answered with {codes}")

    def publish(self, topic, payload, qos=0, retain=False, **properties):
        properties = to_paho("PUBLISH", properties) if self.version == 5 else None
        self.client.publish(topic, payload, qos, retain, properties).wait_for_publish(PATIENCE)

    def publish_all(self, topic, payloads, qos):
        for under_way in [self.client.publish(topic, payload, qos) for payload in payloads]:
            under_way.wait_for_publish(PATIENCE)

    def send(self, topic, payload):
        self.client.publish(topic, payload)

    def disconnect(self):
        self.client.disconnect()
        self.told()
        self.client.loop_stop()

    def die(self):
        if self.client.socket():
            cut(self.client.socket().fileno())
        self.client.loop_stop()


class Persistent(Paho):
    """A client that connects again by itself."""

    comes_back = True

    def die(self):
        self.client.disconnect()
        self.client.loop_stop()


def delivers_once_across_cuts(party):
    """gets each message of QoS 2 to its receiver once, in order, though its connection is cut twice meanwhile"""
    ears, mouth = party.client("ears"), Persistent(party.case.id("mouth"), party.where, party.version, False, 600)
    party.case.finally_(mouth.die)
    ears.subscribe(party.topic(), 2)
    # No more than the server's Receive Maximum of 100: when it connects again, paho sends all at once.
    payloads = [b"%d" % number for number in range(90)]
    under_way = [mouth.client.publish(party.topic(), payload, 2) for payload in payloads]
    found = []
    for stop in (30, 60, len(payloads)):
        while len(found) < stop:
            found.append(ears.message().payload)
        if stop < len(payloads):
            cut(mouth.client.socket().fileno())
            equal(mouth.events.get(timeout=PATIENCE), (0, True), "reason code and session present")
    equal(found, payloads, "payloads")
    for one in under_way:
        one.wait_for_publish(PATIENCE)
    # Behind this one nothing is under way.
    mouth.publish(party.topic(), b"end", 2)
    equal(ears.message().payload, b"end", "payload behind the last")


@behaviour(versions=(4, 5))
def hears_of_the_shutdown(case):
    """Paho is told by reason code that the broker shuts down, where there is one."""
    need(library, "paho-mqtt")
    broker = Isthmus("paho").start()
    case.finally_(broker.kill)
    client = Paho(case.id(), Address(*broker.address), case.version)
    equal(broker.stop(), 0, "exit status")
    equal(client.told(), 0x8B if case.version == 5 else None, "reason code of the server's DISCONNECT")
    client.client.loop_stop()


matrix(Paho, [*SCENARIOS, (delivers_once_across_cuts, (4, 5))], ("tcp", "ssl", "ws", "wss", "unix"), (3, 4, 5))
