# SPDX-License-Identifier: Apache-2.0
# gmqtt: MQTT 3.1.1 and 5.0 over TCP and TLS; it knows neither WebSocket nor Unix sockets.
import asyncio
import logging
import ssl

from Interop.clients.parts import Driver, Message, authority, cut, matrix, on_loop
from Interop.clients.scenarios import SCENARIOS
from Support.suite import check

try:
    import gmqtt as library
    from gmqtt.storage import PersistentStorage
except ImportError:
    library = None

# gmqtt's own name, and properties that may be there once: it has lists of all.
RENAMED = {"payload_format_indicator": "payload_format_id"}
MANY = ("user_property", "subscription_identifier")
# It takes the server's Receive Maximum for the number of its packet identifiers, and fails if it has used them up.
WINDOW = 16
# A connection that dies is a warning with a traceback to it.
logging.getLogger("gmqtt").setLevel(logging.CRITICAL)


def from_gmqtt(properties):
    names = {theirs: ours for ours, theirs in RENAMED.items()}
    return {names.get(name, name): value if name in MANY else value[0]
            for name, value in properties.items() if isinstance(value, list)}


class Gmqtt(Driver):
    library = library

    def open(self, clean, expiry, will):
        on_loop(self._open(clean, expiry, will))

    async def _open(self, clean, expiry, will):
        self.unacknowledged, self.subscribed = PersistentStorage(), asyncio.Queue()
        self.client = library.Client(
            self.id, clean_session=clean, persistent_storage=self.unacknowledged, user_property=("by", "gmqtt"),
            will_message=will and library.Message(*will[:4], **will[4]),
            **({"session_expiry_interval": expiry} if expiry else {}))
        # It shall not come back when it is ended.
        self.client.set_config({"reconnect_retries": 0, "reconnect_delay": 3600})
        self.client.on_connect = lambda _, present, *__: setattr(self, "session_present", bool(present))
        self.client.on_subscribe = lambda _, __, codes, ___: self.subscribed.put_nowait(codes)
        self.client.on_message = lambda _, topic, payload, qos, properties: self.messages.put(
            Message(topic, bytes(payload), qos, properties["retain"], from_gmqtt(properties)))
        # What ends without a DISCONNECT is shown as an empty one.
        self.client.on_disconnect = lambda _, packet, *__: self.ends.put(packet[0] if packet else None)
        context = ssl.create_default_context(cafile=authority()) if self.kind == "ssl" else False
        await self.client.connect(*self.where, ssl=context, version=self.version)

    def subscribe(self, topic_filter, qos, **more):
        codes = on_loop(self._subscribe(topic_filter, qos, more))
        check(codes == (qos,), f"SUBSCRIBE {topic_filter} was answered with {codes}")

    async def _subscribe(self, topic_filter, qos, more):
        self.client.subscribe(topic_filter, qos=qos, **more)
        return await self.subscribed.get()

    async def _publish(self, topic, payloads, qos, retain=False, properties=None):
        for start in range(0, len(payloads), WINDOW):
            for payload in payloads[start:start + WINDOW]:
                self.client.publish(topic, payload, qos=qos, retain=retain, **(properties or {}))
            await self.unacknowledged.wait_empty()

    def publish(self, topic, payload, qos=0, retain=False, **properties):
        renamed = {RENAMED.get(name, name): value for name, value in properties.items()}
        on_loop(self._publish(topic, [payload], qos, retain, renamed))

    def publish_all(self, topic, payloads, qos):
        on_loop(self._publish(topic, payloads, qos))

    send = publish

    def disconnect(self):
        on_loop(self.client.disconnect())

    def die(self):
        if self.client.is_connected:
            cut(self.client._connection._transport.get_extra_info("socket").fileno())


matrix(Gmqtt, SCENARIOS, ("tcp", "ssl"), (4, 5))
