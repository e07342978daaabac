# SPDX-License-Identifier: Apache-2.0
"""Writes MQTT packets byte by byte, wrong ones too. It shares nothing with the broker's own encoder on purpose."""

V31, V311, V5 = "3.1", "3.1.1", "5"
LEVEL = {V31: 3, V311: 4, V5: 5}


def varint(value, pad=0):
    """A variable byte integer, made longer than needed by `pad` bytes."""
    out = bytearray()
    while True:
        byte, value = value % 128, value // 128
        out.append(byte | (0x80 if value or pad else 0))
        if not value:
            break
    for i in range(pad):
        out.append(0x80 if i + 1 < pad else 0)
    return bytes(out)


def u16(value):
    return value.to_bytes(2, "big")


def u32(value):
    return value.to_bytes(4, "big")


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return u16(len(data)) + data


def packet(first, *parts, pad=0):
    body = b"".join(parts)
    return bytes([first]) + varint(len(body), pad) + body


def section(version, properties):
    """The property section of MQTT 5, nothing before."""
    return varint(len(properties)) + properties if version == V5 else b""


def name_of(version):
    return "MQIsdp" if version == V31 else "MQTT"


def connect(version, client="c", flags=0x02, keep_alive=60, props=b"", rest=b"", name=None, level=None):
    return packet(
        0x10,
        text(name_of(version) if name is None else name),
        bytes([LEVEL[version] if level is None else level, flags]),
        u16(keep_alive),
        section(version, props),
        text(client),
        rest,
    )


def will(version, topic="w/t", payload=b"gone", props=b""):
    return section(version, props) + text(topic) + text(payload)


def connack(version, flags=0, code=0, props=b"", rest=b""):
    return packet(0x20, bytes([flags, code]), section(version, props), rest)


def publish(version, topic="a/b", payload=b"hi", flags=0, identifier=None, props=b""):
    has_identifier = identifier is not None
    return packet(
        0x30 | flags, text(topic), u16(identifier) if has_identifier else b"", section(version, props), payload
    )


def ack(first, identifier=1, rest=b""):
    return packet(first, u16(identifier), rest)


def subscribe(version, *entries, identifier=1, props=b"", first=0x82):
    body = b"".join(text(topic) + bytes([options]) for topic, options in entries)
    return packet(first, u16(identifier), section(version, props), body)


def unsubscribe(version, *filters, identifier=1, props=b"", first=0xA2):
    return packet(first, u16(identifier), section(version, props), b"".join(text(f) for f in filters))


def suback(version, codes, identifier=1, props=b""):
    return packet(0x90, u16(identifier), section(version, props), bytes(codes))


def unsuback(version, codes=(), identifier=1, props=b""):
    return packet(0xB0, u16(identifier), section(version, props), bytes(codes))


def user(name, value):
    return b"\x26" + text(name) + text(value)
