# SPDX-License-Identifier: Apache-2.0
# The Python client libraries paho-mqtt, aiomqtt and gmqtt: connect, subscribe, publish at every QoS, properties, will,
# and a session that is resumed. `make test` installs them into Tests/.venv.
import asyncio
import queue
import ssl

from Support.broker import Isthmus, config, scratch
from Support.ports import free_port
from Support.suite import Skip, behaviour, check
from Support.transports import listener, wait_until_open
from Support.wait import PATIENCE, equal

try:
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
except ImportError:
    paho = None
try:
    import aiomqtt
except ImportError:
    aiomqtt = None
try:
    import gmqtt
except ImportError:
    gmqtt = None


def need(module, name):
    if module is None:
        raise Skip(f"{name} is not installed; scripts/setup.sh --tests does it")


class Paho:
    """A paho client whose callbacks fill queues."""

    def __init__(self, case, name, version, clean=True, expiry=None, will=None, address=None):
        options = {} if version == 5 else {"clean_session": clean}
        kind = getattr(address, "transport", "tcp")
        if kind in ("ws", "wss"):
            options["transport"] = "websockets"
        self.client = paho.Client(CallbackAPIVersion.VERSION2, case.id(name), protocol=version, **options)
        self.messages, self.events = queue.Queue(), queue.Queue()
        self.client.on_message = lambda _, __, message: self.messages.put(message)
        self.client.on_connect = lambda _, __, flags, *___: self.events.put(("connected", flags.session_present))
        self.client.on_subscribe = lambda *_: self.events.put(("subscribed", None))
        self.client.on_publish = lambda *_: self.events.put(("published", None))
        self.client.on_disconnect = lambda *_: self.events.put(("disconnected", None))
        if will:
            self.client.will_set(*will)
        more = {}
        if version == 5:
            more["clean_start"] = clean
            if expiry:
                more["properties"] = Properties(PacketTypes.CONNECT)
                more["properties"].SessionExpiryInterval = expiry
        if kind in ("ssl", "wss"):
            self.client.tls_set(cert_reqs=ssl.CERT_NONE)
            self.client.tls_insecure_set(True)
        self.client.connect(*(address or case.address), **more)
        self.client.loop_start()
        case.finally_(self.end)
        self.session_present = self.wait("connected")

    def wait(self, what):
        while True:
            event, value = self.events.get(timeout=PATIENCE)
            if event == what:
                return value

    def subscribe(self, *words):
        self.client.subscribe(*words)
        self.wait("subscribed")

    def publish(self, *words, **more):
        self.client.publish(*words, **more)
        self.wait("published")

    def message(self):
        return self.messages.get(timeout=PATIENCE)

    def disconnect(self):
        self.client.disconnect()
        self.wait("disconnected")
        self.client.loop_stop()

    def end(self):
        self.client.disconnect()
        self.client.loop_stop()


@behaviour(versions=(3, 4, 5))
def paho_publishes_and_subscribes(case):
    """paho-mqtt exchanges messages of every QoS."""
    need(paho, "paho-mqtt")
    ears, mouth = Paho(case, "ears", case.version), Paho(case, "mouth", case.version)
    ears.subscribe(case.topic("#"), 2)
    for qos in range(3):
        mouth.publish(case.topic(str(qos)), f"m{qos}", qos)
        message = ears.message()
        equal((message.topic, message.payload, message.qos), (case.topic(str(qos)), f"m{qos}".encode(), qos), "message")


@behaviour(versions=(4, 5))
def paho_speaks_over_websockets(case):
    """paho-mqtt exchanges messages of every QoS, small and large, over ws and wss."""
    need(paho, "paho-mqtt")
    more, addresses = "", []
    for transport in ("ws", "wss"):
        text, address = listener(transport, free_port(), scratch("paho"))
        more, addresses = more + text, [*addresses, address]
    broker = Isthmus("paho", lambda port: config(port, extra=more)).start()
    case.finally_(broker.kill)
    for address in addresses:
        wait_until_open(address)
        ears = Paho(case, f"ears-{address.transport}", case.version, address=address)
        mouth = Paho(case, f"mouth-{address.transport}", case.version, address=address)
        ears.subscribe(case.topic("#"), 2)
        for qos in range(3):
            for payload in (b"", b"small", b"large" * 60_000):
                mouth.publish(case.topic(str(qos)), payload, qos)
                message = ears.message()
                equal((message.payload, message.qos), (payload, qos), "message")


@behaviour(versions=(4, 5))
def paho_resumes_its_session(case):
    """paho-mqtt gets what was published while it was away."""
    need(paho, "paho-mqtt")
    first = Paho(case, "sleeper", case.version, clean=False, expiry=600)
    first.subscribe(case.topic(), 1)
    first.disconnect()
    Paho(case, "mouth", case.version).publish(case.topic(), "away", 1)
    again = Paho(case, "sleeper", case.version, clean=False, expiry=600)
    check(again.session_present, "the session was not resumed")
    equal(again.message().payload, b"away", "payload")


@behaviour(versions=(4, 5))
def paho_retained_and_will(case):
    """paho-mqtt's retained message is kept, and its will is published when its socket dies."""
    need(paho, "paho-mqtt")
    mortal = Paho(case, "mortal", case.version, will=(case.topic("will"), "gone", 1, True))
    mortal.publish(case.topic("kept"), "kept", 1, True)
    ears = Paho(case, "ears", case.version)
    ears.subscribe(case.topic("#"), 1)
    message = ears.message()
    equal((message.payload, message.retain), (b"kept", True), "retained message")
    mortal.client.loop_stop()
    mortal.client.socket().close()
    equal(ears.message().payload, b"gone", "will")


@behaviour(versions=(5,))
def paho_properties(case):
    """paho-mqtt's MQTT 5 properties arrive."""
    need(paho, "paho-mqtt")
    ears, mouth = Paho(case, "ears", 5), Paho(case, "mouth", 5)
    ears.subscribe(case.topic(), 1)
    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType, properties.ResponseTopic, properties.CorrelationData = "text/plain", "back", b"id"
    properties.UserProperty = [("a", "1"), ("a", "2")]
    properties.MessageExpiryInterval = 300
    mouth.publish(case.topic(), "body", 1, properties=properties)
    got = ears.message().properties
    equal((got.ContentType, got.ResponseTopic, got.CorrelationData, got.UserProperty),
          ("text/plain", "back", b"id", [("a", "1"), ("a", "2")]), "properties")


@behaviour(versions=(4, 5))
def aiomqtt_publishes_and_subscribes(case):
    """aiomqtt exchanges messages of every QoS."""
    need(aiomqtt, "aiomqtt")
    version = aiomqtt.ProtocolVersion.V5 if case.version == 5 else aiomqtt.ProtocolVersion.V311
    host, port = case.address

    async def talk():
        async with aiomqtt.Client(host, port, identifier=case.id(), protocol=version) as client:
            await client.subscribe(case.topic("#"), qos=2)
            for qos in range(3):
                await client.publish(case.topic(str(qos)), f"m{qos}", qos=qos)
            found = []
            async for message in client.messages:
                found.append((str(message.topic), message.payload, message.qos))
                if len(found) == 3:
                    return found
    found = asyncio.run(asyncio.wait_for(talk(), PATIENCE))
    equal(sorted(found), [(case.topic(str(q)), f"m{q}".encode(), q) for q in range(3)], "messages")


@behaviour()
def gmqtt_publishes_and_subscribes(case):
    """gmqtt exchanges messages of every QoS, in 3.1.1 and in 5.0."""
    need(gmqtt, "gmqtt")

    async def talk(version):
        arrived, subscribed = asyncio.Queue(), asyncio.Event()
        client = gmqtt.Client(case.id())
        client.on_message = lambda _, topic, payload, qos, __: arrived.put_nowait((topic, bytes(payload), qos)) or 0
        client.on_subscribe = lambda *_: subscribed.set()
        await client.connect(*case.address, version=version)
        client.subscribe(case.topic("#"), qos=2)
        await subscribed.wait()
        for qos in range(3):
            client.publish(case.topic(str(qos)), f"m{qos}", qos=qos)
        found = [await arrived.get() for _ in range(3)]
        await client.disconnect()
        return found
    # One after the other: gmqtt keeps the version in its class, not in the client.
    for version in (4, 5):
        found = asyncio.run(asyncio.wait_for(talk(version), PATIENCE))
        equal(sorted(found), [(case.topic(str(q)), f"m{q}".encode(), q) for q in range(3)], "messages")
