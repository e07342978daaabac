# SPDX-License-Identifier: Apache-2.0
# MQTT 3.1, 3.1.1 and 5.0 packets to and from bytes. The encoder builds whatever it is asked for, valid or not;
# the decoder is strict, so every packet that a broker sends is checked as well. It knows nothing of sockets.
import struct

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = 8, 9, 10, 11, 12, 13, 14, 15
NAMES = (
    "reserved CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK PINGREQ "
    "PINGRESP DISCONNECT AUTH"
).split()

# name: (identifier, type, packets from a server that may carry it; "will" for will properties)
PROPERTIES = {
    "payload_format": (0x01, "byte", (PUBLISH,)),
    "message_expiry": (0x02, "u32", (PUBLISH,)),
    "content_type": (0x03, "str", (PUBLISH,)),
    "response_topic": (0x08, "str", (PUBLISH,)),
    "correlation_data": (0x09, "bin", (PUBLISH,)),
    "subscription_id": (0x0B, "varint", (PUBLISH,)),
    "session_expiry": (0x11, "u32", (CONNACK,)),  # [MQTT-3.14.2-2]
    "assigned_client_id": (0x12, "str", (CONNACK,)),
    "server_keep_alive": (0x13, "u16", (CONNACK,)),
    "auth_method": (0x15, "str", (CONNACK, AUTH)),
    "auth_data": (0x16, "bin", (CONNACK, AUTH)),
    "request_problem_information": (0x17, "byte", ()),
    "will_delay": (0x18, "u32", ()),
    "request_response_information": (0x19, "byte", ()),
    "response_information": (0x1A, "str", (CONNACK,)),
    "server_reference": (0x1C, "str", (CONNACK, DISCONNECT)),
    "reason_string": (
        0x1F, "str", (CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT, AUTH)),
    "receive_maximum": (0x21, "u16", (CONNACK,)),
    "topic_alias_maximum": (0x22, "u16", (CONNACK,)),
    "topic_alias": (0x23, "u16", (PUBLISH,)),
    "maximum_qos": (0x24, "byte", (CONNACK,)),
    "retain_available": (0x25, "byte", (CONNACK,)),
    "user_property": (
        0x26, "pair", (CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT, AUTH)),
    "maximum_packet_size": (0x27, "u32", (CONNACK,)),
    "wildcard_available": (0x28, "byte", (CONNACK,)),
    "subscription_id_available": (0x29, "byte", (CONNACK,)),
    "shared_available": (0x2A, "byte", (CONNACK,)),
}
BY_ID = {entry[0]: (name, entry[1], entry[2]) for name, entry in PROPERTIES.items()}
REPEATABLE = ("user_property", "subscription_id")

# The codes that a server may send in MQTT 5. [MQTT-3.2.2-8] [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1]
# [MQTT-3.9.3-2] [MQTT-3.11.3-2] [MQTT-3.14.2-1] [MQTT-3.15.2-1]
_RECEIVED = {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}
CODES = {
    CONNACK: {0x00, *range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F},
    PUBACK: _RECEIVED, PUBREC: _RECEIVED, PUBREL: {0x00, 0x92}, PUBCOMP: {0x00, 0x92},
    SUBACK: {0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2},
    UNSUBACK: {0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91},
    DISCONNECT: {0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, *range(0x93, 0xA3)},
    AUTH: {0x00, 0x18},
}
# Before that. [MQTT3-3.9.3-2] MQTT 3.1 knows granted QoS only.
OLDER_CODES = {3: {CONNACK: set(range(6)), SUBACK: {0, 1, 2}}, 4: {CONNACK: set(range(6)), SUBACK: {0, 1, 2, 0x80}}}


class Malformed(Exception):
    """The broker sent bytes that the specification does not allow."""


class Packet:
    """A decoded packet: `type`, `flags`, `size` in bytes, and the fields of that type as attributes."""

    def __init__(self, kind, flags, **fields):
        self.type, self.flags, self.size = kind, flags, 0
        self.properties = {}
        self.__dict__.update(fields)

    @property
    def name(self):
        return NAMES[self.type]

    def __repr__(self):
        shown = {k: v for k, v in self.__dict__.items() if k not in ("type", "flags", "size", "older") and v not in ({}, None)}
        if len(shown.get("payload", b"")) > 60:
            shown["payload"] = shown["payload"][:60] + b"..."
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in shown.items())})"


# ---- encoding ----

def varint(value):
    out = bytearray()
    while True:
        value, digit = value >> 7, value & 0x7F
        out.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(out)


def u16(value):
    return struct.pack(">H", value)


def u32(value):
    return struct.pack(">I", value)


def binary(value):
    return u16(len(value)) + value


def text(value):
    return binary(value if isinstance(value, bytes) else value.encode())


def _property_value(kind, value):
    if kind == "byte":
        return bytes([value])
    if kind == "u16":
        return u16(value)
    if kind == "u32":
        return u32(value)
    if kind == "varint":
        return varint(value)
    if kind == "pair":
        return text(value[0]) + text(value[1])
    return text(value)


def properties(values, raw=b""):
    """`values`: name -> value, or name -> list of values for one that stands several times."""
    body = bytearray()
    for name, value in (values or {}).items():
        identifier, kind, _ = PROPERTIES[name]
        for one in value if isinstance(value, list) else [value]:
            body += bytes([identifier]) + _property_value(kind, one)
    body += raw
    return varint(len(body)) + bytes(body)


def packet(kind, flags, body):
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


def connect(version=4, client_id="", clean=True, keepalive=60, username=None, password=None, will=None, props=None,
            name=None, level=None, flags=None):
    """`will`: dict of topic, payload, qos, retain, props. `name`, `level`, `flags` overrule what would be right."""
    computed = 0x02 if clean else 0
    payload = text(client_id)
    if will:
        computed |= 0x04 | will.get("qos", 0) << 3 | (0x20 if will.get("retain") else 0)
        if version == 5:
            payload += properties(will.get("props"))
        payload += text(will["topic"]) + text(will.get("payload", b""))
    if username is not None:
        computed |= 0x80
        payload += text(username)
    if password is not None:
        computed |= 0x40
        payload += text(password)
    body = text(name if name is not None else "MQIsdp" if version == 3 else "MQTT")
    body += bytes([version if level is None else level, computed if flags is None else flags]) + u16(keepalive)
    if version == 5:
        body += properties(props)
    return packet(CONNECT, 0, body + payload)


def publish(version, topic, payload=b"", qos=0, retain=False, dup=False, pid=None, props=None):
    body = text(topic)
    if qos:
        body += u16(pid)
    if version == 5:
        body += properties(props)
    body += payload if isinstance(payload, bytes) else payload.encode()
    return packet(PUBLISH, (8 if dup else 0) | qos << 1 | (1 if retain else 0), body)


def ack(version, kind, pid, reason=0, props=None):
    body = u16(pid)
    if version == 5 and (reason or props):
        body += bytes([reason]) + (properties(props) if props else b"")
    return packet(kind, 2 if kind == PUBREL else 0, body)


def subscribe(version, pid, filters, props=None):
    """`filters`: pairs of filter and options byte."""
    body = u16(pid) + (properties(props) if version == 5 else b"")
    for name, options in filters:
        body += text(name) + bytes([options])
    return packet(SUBSCRIBE, 2, body)


def unsubscribe(version, pid, filters, props=None):
    body = u16(pid) + (properties(props) if version == 5 else b"")
    return packet(UNSUBSCRIBE, 2, body + b"".join(text(name) for name in filters))


def pingreq():
    return packet(PINGREQ, 0, b"")


def auth(reason, method=None, data=None):
    props = {} if method is None else {"auth_method": method}
    if data is not None:
        props["auth_data"] = data
    return packet(AUTH, 0, bytes([reason]) + properties(props))


def disconnect(version=4, reason=0, props=None):
    if version != 5 or (not reason and not props):
        return packet(DISCONNECT, 0, b"")
    return packet(DISCONNECT, 0, bytes([reason]) + (properties(props) if props else b""))


# ---- decoding what a server sends ----

class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Malformed("a field reaches past the end of its packet")
        self.at += count
        return self.data[self.at - count:self.at]

    def byte(self):
        return self.take(1)[0]

    def u16(self):
        return struct.unpack(">H", self.take(2))[0]

    def u32(self):
        return struct.unpack(">I", self.take(4))[0]

    def varint(self):
        value = shift = 0
        for _ in range(4):
            digit = self.byte()
            value |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:
                if not digit and shift > 7:
                    raise Malformed("a variable byte integer of more bytes than it needs [MQTT-1.5.5-1]")
                return value
        raise Malformed("a variable byte integer of more than four bytes")

    def binary(self):
        return self.take(self.u16())

    def text(self):
        try:
            value = self.binary().decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed(f"a string is not UTF-8: {error} [MQTT-1.5.4-1]") from None
        if "\0" in value:
            raise Malformed("a string holds U+0000 [MQTT-1.5.4-2]")
        return value

    def rest(self):
        return self.take(len(self.data) - self.at)

    @property
    def left(self):
        return len(self.data) - self.at

    def value(self, kind):
        if kind == "pair":
            return (self.text(), self.text())
        return {"byte": self.byte, "u16": self.u16, "u32": self.u32, "varint": self.varint, "str": self.text,
                "bin": self.binary}[kind]()

    def properties(self, packet_type):
        inner = _Reader(self.take(self.varint()))
        found = {}
        while inner.left:
            identifier = inner.varint()
            if identifier not in BY_ID:
                raise Malformed(f"unknown property 0x{identifier:02x}")
            name, kind, allowed = BY_ID[identifier]
            if packet_type not in allowed:
                raise Malformed(f"property {name} does not belong into {NAMES[packet_type]}")
            value = inner.value(kind)
            if name in REPEATABLE:
                found.setdefault(name, []).append(value)
            elif name in found:
                raise Malformed(f"property {name} stands twice")
            else:
                found[name] = value
        return found


def _fixed_header(buffer):
    """(length of the header, remaining length), or None while bytes are missing."""
    value = shift = 0
    for index in range(1, 5):
        if len(buffer) <= index:
            return None
        value |= (buffer[index] & 0x7F) << shift
        shift += 7
        if buffer[index] < 0x80:
            if index > 1 and not buffer[index]:
                raise Malformed("Remaining Length of more bytes than it needs [MQTT-1.5.5-1]")
            return index + 1, value
    raise Malformed("Remaining Length of more than four bytes")


def decode(buffer, version):
    """The first packet of `buffer` and how many bytes it took, or None while it is incomplete."""
    header = _fixed_header(buffer)
    if header is None or len(buffer) < sum(header):
        return None
    start, length = header
    kind, flags = buffer[0] >> 4, buffer[0] & 0x0F
    reader = _Reader(bytes(buffer[start:start + length]))
    found = _body(kind, flags, reader, version)
    if reader.left:
        raise Malformed(f"{NAMES[kind]} has {reader.left} bytes too many")
    _check_codes(found, version)
    found.size = start + length
    return found, found.size


def _check_codes(found, version):
    """An MQTT 5 client may be refused in the older form, before the server knows its version."""
    allowed = (CODES if version == 5 else OLDER_CODES[version]).get(found.type)
    if version == 5 and found.type == CONNACK and found.older:
        allowed = OLDER_CODES[4][CONNACK]
    for code in getattr(found, "reasons", [getattr(found, "reason", 0)]):
        if allowed is not None and code not in allowed:
            raise Malformed(f"{NAMES[found.type]} with the code 0x{code:02X}")


def _body(kind, flags, reader, version):
    five = version == 5
    found = Packet(kind, flags)
    if kind not in (PUBLISH, PUBREL) and flags or kind == PUBREL and flags != 2:
        raise Malformed(f"{NAMES[kind]} with flags 0x{flags:x} [MQTT-2.1.3-1]")
    if kind == PUBLISH:
        found.dup, found.qos, found.retain = bool(flags & 8), flags >> 1 & 3, bool(flags & 1)
        if found.qos == 3 or found.qos == 0 and found.dup:
            raise Malformed("PUBLISH with QoS 3, or with DUP at QoS 0 [MQTT-3.3.1-2] [MQTT-3.3.1-4]")
        found.topic = reader.text()
        if "+" in found.topic or "#" in found.topic:
            raise Malformed("PUBLISH to a topic name with a wildcard [MQTT-3.3.2-2]")
        found.pid = reader.u16() if found.qos else None  # [MQTT-2.2.1-2]
        if found.pid == 0:
            raise Malformed("PUBLISH with packet identifier 0 [MQTT-2.2.1-4]")
        found.properties = reader.properties(kind) if five else {}  # [MQTT-2.2.2-1]
        found.payload = reader.rest()
    elif kind == CONNACK:
        acknowledge = reader.byte()
        if acknowledge > 1:
            raise Malformed("CONNACK with reserved acknowledge flags set [MQTT-3.2.2-1]")
        found.session_present, found.reason = bool(acknowledge), reader.byte()
        if found.session_present and found.reason:
            raise Malformed("a refusing CONNACK says Session Present [MQTT-3.2.2-6]")
        found.older = not reader.left
        found.properties = reader.properties(kind) if five and reader.left else {}
    elif kind in (PUBACK, PUBREC, PUBREL, PUBCOMP):
        found.pid = reader.u16()
        found.reason = reader.byte() if five and reader.left else 0
        found.properties = reader.properties(kind) if five and reader.left else {}
    elif kind in (SUBACK, UNSUBACK):
        found.pid = reader.u16()
        found.properties = reader.properties(kind) if five else {}
        found.reasons = list(reader.rest())
    elif kind == PINGRESP:
        pass
    elif kind in (DISCONNECT, AUTH) and five:
        found.reason = reader.byte() if reader.left else 0
        found.properties = reader.properties(kind) if reader.left else {}
    else:
        raise Malformed(f"a server does not send {NAMES[kind]} in MQTT {version}")
    return found
