# SPDX-License-Identifier: Apache-2.0
# aiomqtt: MQTT 3.1.1 and 5.0 over every transport. It does not say whether a session was present, nor what the flags of
# a server's DISCONNECT were: both are asked of the paho-mqtt client underneath.
import asyncio
import ssl

from Interop.clients.parts import Driver, Message, authority, cut, matrix, on_loop
from Interop.clients.properties import from_paho, subscribe_options, to_paho
from Interop.clients.scenarios import SCENARIOS
from Support.suite import check
from Support.wait import PATIENCE

try:
    import aiomqtt as library
except ImportError:
    library = None


class Aiomqtt(Driver):
    library = library

    def open(self, clean, expiry, will):
        on_loop(self._open(clean, expiry, will))

    async def _open(self, clean, expiry, will):
        five, transports = self.version == 5, {"ws": "websockets", "wss": "websockets", "unix": "unix"}
        more = {"clean_session": clean}
        if five:
            properties = {"user_property": [("by", "aiomqtt")], **({"session_expiry_interval": expiry} if expiry else {})}
            more = {"clean_start": clean, "properties": to_paho("CONNECT", properties)}
        if self.kind in ("ssl", "wss"):
            more["tls_context"] = ssl.create_default_context(cafile=authority())
        if will:
            more["will"] = library.Will(*will[:4], to_paho("WILLMESSAGE", will[4]) if five else None)
        self.client = library.Client(
            self.where[0], self.where[1] or 1, identifier=self.id, transport=transports.get(self.kind, "tcp"),
            protocol=library.ProtocolVersion(self.version), timeout=PATIENCE, **more)
        self.client.pending_calls_threshold, self.paho = 10_000, self.client._client
        connected = self.paho.on_connect

        def on_connect(client, userdata, flags, *rest):
            self.session_present = flags.session_present
            connected(client, userdata, flags, *rest)
        self.paho.on_connect = on_connect
        await self.client.__aenter__()
        self.reader = asyncio.create_task(self._read())

    async def _read(self):
        try:
            async for m in self.client.messages:
                self.messages.put(Message(str(m.topic), m.payload, m.qos, m.retain, from_paho(m.properties)))
        except library.MqttError as error:
            code = getattr(getattr(error.__cause__, "rc", None), "value", None)
            self.ends.put(code if self.version == 5 else None)

    def subscribe(self, topic_filter, qos, **more):
        codes = on_loop(self.client.subscribe(topic_filter, **subscribe_options(self.version, qos, more)))
        check([getattr(code, "value", code) for code in codes] == [qos], f"SUBSCRIBE was answered with {codes}")

    async def _publish(self, topic, payloads, qos, retain=False, properties=None):
        await asyncio.gather(*[self.client.publish(topic, one, qos, retain, properties) for one in payloads])

    def publish(self, topic, payload, qos=0, retain=False, **properties):
        properties = to_paho("PUBLISH", properties) if self.version == 5 else None
        on_loop(self._publish(topic, [payload], qos, retain, properties))

    def publish_all(self, topic, payloads, qos):
        # Its book-keeping takes time by the square of how many are under way.
        for start in range(0, len(payloads), 100):
            on_loop(self._publish(topic, payloads[start:start + 100], qos))

    async def _send(self, topic, payload):
        self.sender = asyncio.create_task(self.client.publish(topic, payload))
        # It fails if the connection ends; nobody asks.
        self.sender.add_done_callback(lambda sender: sender.cancelled() or sender.exception())

    def send(self, topic, payload):
        on_loop(self._send(topic, payload))

    def disconnect(self):
        self.reader.cancel()
        on_loop(self.client.__aexit__(None, None, None))

    def die(self):
        if self.paho.socket():
            cut(self.paho.socket().fileno())


matrix(Aiomqtt, SCENARIOS, ("tcp", "ssl", "ws", "wss", "unix"), (4, 5))
