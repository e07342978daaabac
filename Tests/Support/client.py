# SPDX-License-Identifier: Apache-2.0
# A client that says exactly what a test tells it to say. It acknowledges nothing by itself and keeps every packet in
# the order in which it came; the methods at the end do the usual handshakes. The address says by what transport.
import time

from . import mqtt
from .transports import dial
from .wait import PATIENCE, TestFailure, check, equal


class Closed(TestFailure):
    """The broker closed the connection where a packet was expected."""


class Client:
    def __init__(self, address, version=4, client_id="", connection=None):
        self.address, self.version, self.client_id = address, version, client_id
        self.inbox, self.buffer, self.log = [], bytearray(), []
        self.at_end, self.next_pid, self.connack = False, 0, None
        self.socket = connection or dial(address)

    # ---- bytes ----

    def send(self, data):
        self.log.append("> " + data[:64].hex())
        try:
            self.socket.sendall(data)
        except OSError as error:
            self.log.append(f"! {error}")

    def close(self):
        """Ends the network connection without a DISCONNECT."""
        self.socket.close()

    def _read(self, deadline):
        """Reads once; False at the end of the stream."""
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self.socket.settimeout(remaining)
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self.at_end = True
            return False
        self.buffer += data
        while True:
            try:
                found = mqtt.decode(self.buffer, self.version)
            except mqtt.Malformed as error:
                raise TestFailure(f"the broker sent a malformed packet ({error}): {self.buffer[:64].hex()}") from None
            if found is None:
                return True
            del self.buffer[:found[1]]
            self.log.append(f"< {found[0]!r}")
            self.inbox.append(found[0])

    def _until(self, found, what, patience=None):
        deadline = time.monotonic() + (PATIENCE if patience is None else patience)
        while True:
            answer = found()
            if answer is not None:
                return answer
            if self.at_end:
                raise Closed(f"the broker closed the connection; expected {what}")
            try:
                self._read(deadline)
            except TimeoutError:
                raise TestFailure(f"no {what} came; waiting: {self.inbox!r}") from None

    # ---- packets ----

    def next(self, what="packet", patience=None):
        return self._until(lambda: self.inbox.pop(0) if self.inbox else None, what, patience)

    def expect(self, kind, **fields):
        """The very next packet must be of that kind, with these fields."""
        found = self.next(mqtt.NAMES[kind])
        check(found.type == kind, f"expected {mqtt.NAMES[kind]}, got {found!r}")
        for name, value in fields.items():
            equal(getattr(found, name), value, f"{name} of {found!r}")
        return found

    def take(self, kind, **fields):
        """The first packet of that kind, wherever it stands; the others stay in the inbox."""
        def first():
            for index, one in enumerate(self.inbox):
                if one.type == kind:
                    return self.inbox.pop(index)
            return None
        found = self._until(first, mqtt.NAMES[kind])
        for name, value in fields.items():
            equal(getattr(found, name), value, f"{name} of {found!r}")
        return found

    def expect_end(self, reasons=None):
        """The broker ends the connection. An MQTT 5 client given `reasons` must be told one of them first."""
        told = None
        try:
            while True:
                found = self.next("end of the connection")
                if found.type == mqtt.DISCONNECT or found.type == mqtt.CONNACK and found.reason:
                    told = found
                else:
                    raise TestFailure(f"expected the end of the connection, got {found!r}")
        except Closed:
            pass
        if reasons is not None and self.version == 5:
            wanted = " or ".join(f"0x{r:02X}" for r in reasons)
            check(told is not None, f"closed without a reason code; expected {wanted}")
            check(told.reason in reasons, f"expected reason code {wanted}, got 0x{told.reason:02X}")
        return told

    # ---- the usual handshakes ----

    def pid(self):
        self.next_pid = self.next_pid % 65535 + 1
        return self.next_pid

    def open(self, clean=True, expect=0, **options):
        """Sends CONNECT and checks the CONNACK's reason code."""
        self.send(mqtt.connect(self.version, self.client_id, clean, **options))
        self.connack = self.expect(mqtt.CONNACK, reason=expect)
        return self

    def subscribe(self, *filters, qos=0, props=None, options=None, granted=True):
        """Subscribes to filters, all with the same options; answers the SUBACK."""
        pid = self.pid()
        self.send(mqtt.subscribe(self.version, pid, [(f, qos if options is None else options) for f in filters], props))
        suback = self.take(mqtt.SUBACK, pid=pid)
        equal(len(suback.reasons), len(filters), "number of SUBACK reason codes [MQTT-3.8.4-6]")
        if granted:
            check(all(r <= 2 for r in suback.reasons), f"SUBSCRIBE {filters} was refused: {suback!r}")
        return suback

    def unsubscribe(self, *filters):
        pid = self.pid()
        self.send(mqtt.unsubscribe(self.version, pid, filters))
        return self.take(mqtt.UNSUBACK, pid=pid)

    def publish(self, topic, payload=b"", qos=0, retain=False, props=None, pid=None, accepted=True):
        """Publishes, with the whole handshake of that QoS; answers the last acknowledgement."""
        pid = (pid or self.pid()) if qos else None
        self.send(mqtt.publish(self.version, topic, payload, qos, retain, pid=pid, props=props))
        if qos == 0:
            return None
        if qos == 1:
            answer = self.take(mqtt.PUBACK, pid=pid)
        else:
            answer = self.take(mqtt.PUBREC, pid=pid)
            if answer.reason < 0x80:
                self.send(mqtt.ack(self.version, mqtt.PUBREL, pid))
                answer = self.take(mqtt.PUBCOMP, pid=pid)
        if accepted:
            check(answer.reason < 0x80, f"PUBLISH to {topic!r} was refused: {answer!r}")
        return answer

    def acknowledge(self, message):
        """The receiver's half of a delivery."""
        if message.qos == 1:
            self.send(mqtt.ack(self.version, mqtt.PUBACK, message.pid))
        elif message.qos == 2:
            self.send(mqtt.ack(self.version, mqtt.PUBREC, message.pid))
            self.take(mqtt.PUBREL, pid=message.pid)
            self.send(mqtt.ack(self.version, mqtt.PUBCOMP, message.pid))

    def receive(self, payload=None, **fields):
        """The next packet must be a PUBLISH with these fields; it is acknowledged."""
        if payload is not None:
            fields["payload"] = payload if isinstance(payload, bytes) else payload.encode()
        message = self.expect(mqtt.PUBLISH, **fields)
        self.acknowledge(message)
        return message

    def ping(self):
        self.send(mqtt.pingreq())
        self.take(mqtt.PINGRESP)

    def disconnect(self, reason=0, props=None):
        """A clean end. Returns when the broker has closed its side too."""
        self.send(mqtt.disconnect(self.version, reason, props))
        self.expect_end()
        self.close()
