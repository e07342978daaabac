# SPDX-License-Identifier: Apache-2.0
"""Complete packets that must be refused, one fault each."""

from properties import EVERYWHERE, METHOD, PROPERTIES
from valid import ALL, BOTH, carrying
from wire import *

MALFORMED, PROTOCOL, VERSION, IDENTIFIER, FILTER, TOPIC = "0x81", "0x82", "0x84", "0x85", "0x8F", "0x90"
ALIAS = "0x94"

BAD_TEXT = {
    "lone-continuation": b"a\x80",
    "overlong-slash": b"a\xc0\xaf",
    "overlong-3": b"\xe0\x9f\xbf",
    "overlong-4": b"\xf0\x8f\xbf\xbf",
    "surrogate-low-end": b"\xed\xa0\x80",
    "surrogate-high-end": b"\xed\xbf\xbf",
    "above-10ffff": b"\xf4\x90\x80\x80",
    "byte-f5": b"\xf5\x80\x80\x80",
    "byte-ff": b"ab\xff",
    "cut-2": b"abcdefg\xc3",
    "cut-3": b"abcdef\xe2\x82",
    "cut-4": b"abcde\xf0\x9d\x84",
    "nul": b"a\x00b",
    "nul-in-a-long-text": b"abcdefgh\x00bcdefghijk",
}


def samples():
    out = []

    def add(name, version, way, data, code=MALFORMED):
        out.append((f"{name}-v{version}", version, way, data, code))

    for v in ALL:
        framing(add, v)
        connects(add, v)
        publishes(add, v)
        acknowledgements(add, v)
        subscriptions(add, v)
    for v in (V31, V311):
        before_five(add, v)
    texts(add)
    five(add)
    property_values(add)
    property_structure(add)
    misplaced_properties(add)
    return out


def framing(add, v):
    add("type-0", v, "both", packet(0x00))
    add("type-0-flags", v, "both", packet(0x0F))
    add("length-5-bytes", v, "both", b"\x30\x80\x80\x80\x80\x01")
    add("length-5-bytes-ff", v, "both", b"\x30\xff\xff\xff\xff\x7f")
    way = {1: "c2s", 8: "c2s", 10: "c2s", 12: "c2s", 2: "s2c", 9: "s2c", 11: "s2c", 13: "s2c"}
    for kind in (1, 2, 4, 5, 7, 9, 11, 12, 13, 14):
        add(f"flags-of-type-{kind}", v, way.get(kind, "both"), packet(kind << 4 | 0b0001, b"\x00\x01"))
        add(f"flags-2-of-type-{kind}", v, way.get(kind, "both"), packet(kind << 4 | 0b0010, b"\x00\x01"))
    for kind in (6, 8, 10):
        for flags in (0b0000, 0b0011, 0b0110):
            add(f"flags-{flags:x}-of-type-{kind}", v, way.get(kind, "both"), packet(kind << 4 | flags, b"\x00\x01"))
    add("pingreq-with-body", v, "c2s", packet(0xC0, b"\x00"))
    add("pingresp-with-body", v, "s2c", packet(0xD0, b"\x00"))


def connects(add, v):
    whole = connect(v, flags=0xC6, rest=will(v) + text("u") + text("p"))
    body = whole[2:]
    # Each cut falls into another field; MQTT 3.1 allows the end before a user name or password.
    ends_with_field = {len(body) - 3, len(body) - 6} if v == V31 else set()
    for end in range(len(body)):
        if end not in ends_with_field:
            add(f"connect-cut-at-{end:02}", v, "c2s", packet(0x10, body[:end]))
    add("connect-trailing-byte", v, "c2s", connect(v, rest=b"\x00"))
    add("connect-user-not-announced", v, "c2s", connect(v, rest=text("u")))
    add("connect-name-wrong", v, "c2s", connect(v, name="MQTS"), VERSION)
    add("connect-name-lower-case", v, "c2s", connect(v, name="mqtt"), VERSION)
    add("connect-name-empty", v, "c2s", connect(v, name=""), VERSION)
    add("connect-name-of-other-version", v, "c2s", connect(v, name="MQTT" if v == V31 else "MQIsdp"), VERSION)
    for level in (0, 1, 2, 6, 0x7F, 0x80, 0x86, 0xFF):
        add(f"connect-level-{level:02x}", v, "c2s", connect(v, level=level), VERSION)
    if v != V31:
        add("connect-reserved-flag", v, "c2s", connect(v, flags=0x03))
    add("connect-will-qos-3", v, "c2s", connect(v, flags=0x1E, rest=will(v)))
    add("connect-will-qos-without-will", v, "c2s", connect(v, flags=0x0A))
    add("connect-will-qos-2-without-will", v, "c2s", connect(v, flags=0x12))
    add("connect-will-retain-without-will", v, "c2s", connect(v, flags=0x22))
    for name, topic in (("plus", "a/+"), ("hash", "#"), ("hash-inside", "a/b#c/dddd")):
        add(f"connect-will-topic-{name}", v, "c2s", connect(v, flags=0x06, rest=will(v, topic=topic)), TOPIC)
    add("connect-will-topic-empty", v, "c2s", connect(v, flags=0x06, rest=will(v, topic="")), TOPIC)
    add("connack-empty", v, "s2c", packet(0x20))
    add("connack-cut", v, "s2c", packet(0x20, b"\x00"))
    add("connack-trailing-byte", v, "s2c", connack(v, rest=b"\x00"))
    if v != V31:
        add("connack-reserved-flag", v, "s2c", connack(v, flags=2))
        add("connack-session-present-but-refused", v, "s2c", connack(v, 1, 0x87 if v == V5 else 5), PROTOCOL)
    for code in (6, 0xFF) if v != V5 else (1, 0x8B, 0x8D, 0xFF):
        add(f"connack-code-{code:02x}", v, "s2c", connack(v, code=code), PROTOCOL)


def publishes(add, v):
    add("publish-qos-3", v, "both", publish(v, flags=0x6, identifier=1))
    add("publish-qos-3-dup-retain", v, "both", publish(v, flags=0xF, identifier=1))
    add("publish-dup-qos-0", v, "both", publish(v, flags=0x8))
    add("publish-dup-qos-0-retain", v, "both", publish(v, flags=0x9))
    add("publish-empty-body", v, "both", packet(0x30))
    add("publish-topic-length-cut", v, "both", packet(0x30, b"\x00"))
    add("publish-topic-cut", v, "both", packet(0x30, u16(4), b"abc"))
    add("publish-topic-length-max", v, "both", packet(0x30, u16(65535), b"abc"))
    for flags in (0x2, 0x4):
        add(f"publish-flags-{flags}-identifier-missing", v, "both", packet(0x30 | flags, text("a")))
        add(f"publish-flags-{flags}-identifier-cut", v, "both", packet(0x30 | flags, text("a"), b"\x01"))
        add(f"publish-flags-{flags}-identifier-0", v, "both", publish(v, flags=flags, identifier=0))
    topics = ("#", "+", "a/+", "a/#", "a#", "+a", "abcd+", "abcdefg+", "+bcdefgh", "abcdefgh/+/x", "abcdefgh#ijklmnopq")
    for i, topic in enumerate(topics):
        add(f"publish-topic-wildcard-{i}", v, "both", publish(v, topic=topic), TOPIC)
    if v != V5:
        add("publish-topic-empty", v, "both", publish(v, topic=""), TOPIC)


def acknowledgements(add, v):
    for name, first in (("puback", 0x40), ("pubrec", 0x50), ("pubrel", 0x62), ("pubcomp", 0x70)):
        add(f"{name}-empty", v, "both", packet(first))
        add(f"{name}-cut", v, "both", packet(first, b"\x01"))
        add(f"{name}-identifier-0", v, "both", ack(first, identifier=0))


def subscriptions(add, v):
    for name, first, tail in (("subscribe", 0x82, b"\x00"), ("unsubscribe", 0xA2, b"")):
        p = section(v, b"")
        add(f"{name}-empty", v, "c2s", packet(first))
        add(f"{name}-identifier-cut", v, "c2s", packet(first, b"\x00"))
        add(f"{name}-identifier-0", v, "c2s", packet(first, u16(0), p, text("a"), tail))
        add(f"{name}-no-filter", v, "c2s", packet(first, u16(1), p), PROTOCOL)
        add(f"{name}-filter-cut", v, "c2s", packet(first, u16(1), p, u16(3), b"ab"))
        add(f"{name}-filter-length-cut", v, "c2s", packet(first, u16(1), p, text("a"), tail, b"\x00"))
        add(f"{name}-filter-empty", v, "c2s", packet(first, u16(1), p, text(""), tail), FILTER)
        for i, f in enumerate(("#/", "a/#/b", "a#", "#a", "a/b#", "##", "a+", "+a", "a/+b", "a/b+/c", "++", "+#", "a/#+")):
            add(f"{name}-filter-misplaced-wildcard-{i}", v, "c2s", packet(first, u16(1), p, text(f), tail), FILTER)
        add(f"{name}-second-filter-bad", v, "c2s", packet(first, u16(1), p, text("a"), tail, text("b#"), tail), FILTER)
    add("subscribe-options-missing", v, "c2s", packet(0x82, u16(1), section(v, b""), text("a")))
    add("subscribe-qos-3", v, "c2s", subscribe(v, ("a", 3)), PROTOCOL if v == V5 else MALFORMED)
    add("suback-cut", v, "s2c", packet(0x90, b"\x00"))
    add("suback-identifier-0", v, "s2c", suback(v, [0], identifier=0))
    add("suback-no-code", v, "s2c", suback(v, []), PROTOCOL)
    add("suback-code-3", v, "s2c", suback(v, [0, 3]), PROTOCOL)
    add("unsuback-cut", v, "s2c", packet(0xB0, b"\x00"))
    add("unsuback-identifier-0", v, "s2c", unsuback(v, [0] if v == V5 else [], identifier=0))


def before_five(add, v):
    empty_flags = 0x02 if v == V31 else 0x00
    add("connect-empty-client-identifier", v, "c2s", connect(v, client="", flags=empty_flags), IDENTIFIER)
    add("connect-password-without-user", v, "c2s", connect(v, flags=0x42, rest=text("p")))
    add("subscribe-options-no-local", v, "c2s", subscribe(v, ("a", 0x04)))
    add("subscribe-options-reserved", v, "c2s", subscribe(v, ("a", 0x80)))
    add("suback-code-81", v, "s2c", suback(v, [0x81]), PROTOCOL)
    for name, first in (("puback", 0x40), ("pubrec", 0x50), ("pubrel", 0x62), ("pubcomp", 0x70), ("unsuback", 0xB0)):
        add(f"{name}-trailing-byte", v, "s2c" if first == 0xB0 else "both", ack(first, rest=b"\x00"))
    add("disconnect-with-body", v, "c2s", packet(0xE0, b"\x00"))
    add("auth", v, "both", packet(0xF0))


def texts(add):
    for name, data in BAD_TEXT.items():
        add(f"publish-topic-{name}", V311, "both", publish(V311, topic=data))
        add(f"publish-topic-{name}", V5, "both", publish(V5, topic=data))
        add(f"subscribe-filter-{name}", V5, "c2s", subscribe(V5, (data, 0)))
        add(f"user-property-value-{name}", V5, "both", publish(V5, props=user("k", data)))
    for name in ("surrogate-low-end", "nul", "cut-2"):
        data = BAD_TEXT[name]
        add(f"unsubscribe-filter-{name}", V311, "c2s", unsubscribe(V311, data))
        add(f"user-property-name-{name}", V5, "both", publish(V5, props=user(data, "v")))
        for v in ALL:
            add(f"connect-client-identifier-{name}", v, "c2s", connect(v, client=data))
            add(f"connect-user-{name}", v, "c2s", connect(v, flags=0x82, rest=text(data)))
            add(f"connect-will-topic-{name}", v, "c2s", connect(v, flags=0x06, rest=will(v, topic=data)))


def five(add):
    add("padded-length", V5, "both", packet(0x30, text("a"), b"\x00", pad=1))
    add("padded-length-4", V5, "both", packet(0x30, text("a"), b"\x00", pad=3))
    add("publish-no-topic-no-alias", V5, "both", publish(V5, topic=""), PROTOCOL)
    add("publish-no-topic-other-property", V5, "both", publish(V5, topic="", props=b"\x01\x00"), PROTOCOL)
    add("publish-property-length-missing", V5, "both", packet(0x30, text("a")))
    add("publish-from-client-subscription-identifier", V5, "c2s", publish(V5, props=b"\x0b\x01"), PROTOCOL)
    for name, first, bad in (
        ("puback", 0x40, (0x01, 0x11, 0x92, 0xFF)),
        ("pubrec", 0x50, (0x01, 0x8F, 0x92, 0xFF)),
        ("pubrel", 0x62, (0x10, 0x80, 0x91, 0xFF)),
        ("pubcomp", 0x70, (0x10, 0x80, 0x91, 0xFF)),
    ):
        for code in bad:
            add(f"{name}-reason-{code:02x}", V5, "both", ack(first, rest=bytes([code])), PROTOCOL)
        add(f"{name}-trailing-byte", V5, "both", ack(first, rest=b"\x00\x00\x00"))
        add(f"{name}-section-cut", V5, "both", ack(first, rest=b"\x00\x01"))
    for code in (0x04, 0x11, 0x82, 0xFF):
        add(f"suback-reason-{code:02x}", V5, "s2c", suback(V5, [code]), PROTOCOL)
    for code in (0x01, 0x10, 0x97, 0xFF):
        add(f"unsuback-reason-{code:02x}", V5, "s2c", unsuback(V5, [code]), PROTOCOL)
    add("unsuback-no-code", V5, "s2c", unsuback(V5, []), PROTOCOL)
    for code in (0x01, 0x18, 0x84, 0x8A, 0x92, 0xA3, 0xFF):
        add(f"disconnect-reason-{code:02x}", V5, "both", packet(0xE0, bytes([code])), PROTOCOL)
    add("disconnect-trailing-byte", V5, "both", packet(0xE0, b"\x00\x00\x00"))
    for code in (0x01, 0x17, 0x80, 0xFF):
        add(f"auth-reason-{code:02x}", V5, "both", packet(0xF0, bytes([code]), section(V5, METHOD)), PROTOCOL)
    add("auth-without-method", V5, "both", packet(0xF0, b"\x18\x00"), PROTOCOL)
    add("auth-section-missing", V5, "both", packet(0xF0, b"\x18"))
    add("auth-trailing-byte", V5, "both", packet(0xF0, b"\x18", section(V5, METHOD), b"\x00"))
    data = PROPERTIES["authentication-data"][0]
    add("connect-authentication-data-alone", V5, "c2s", connect(V5, props=data), PROTOCOL)
    for options in (0x40, 0x80, 0xC1):
        add(f"subscribe-options-reserved-{options:02x}", V5, "c2s", subscribe(V5, ("a", options)))
    for options in (0x30, 0x32):
        add(f"subscribe-retain-handling-3-{options:02x}", V5, "c2s", subscribe(V5, ("a", options)), PROTOCOL)
    add("subscribe-shared-no-local", V5, "c2s", subscribe(V5, ("$share/g/a", 0x04)), PROTOCOL)
    shared = ("$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/#", "$share/+/+")
    for i, f in enumerate(shared):
        add(f"subscribe-shared-{i}", V5, "c2s", subscribe(V5, (f, 0)), FILTER)
        add(f"unsubscribe-shared-{i}", V5, "c2s", unsubscribe(V5, f), FILTER)


def property_values(add):
    add("receive-maximum-0-connect", V5, "c2s", connect(V5, props=b"\x21\x00\x00"), PROTOCOL)
    add("receive-maximum-0-connack", V5, "s2c", connack(V5, props=b"\x21\x00\x00"), PROTOCOL)
    add("maximum-packet-size-0-connect", V5, "c2s", connect(V5, props=b"\x27" + u32(0)), PROTOCOL)
    add("maximum-packet-size-0-connack", V5, "s2c", connack(V5, props=b"\x27" + u32(0)), PROTOCOL)
    add("topic-alias-0", V5, "both", publish(V5, props=b"\x23\x00\x00"), ALIAS)
    add("payload-format-2", V5, "both", publish(V5, props=b"\x01\x02"), PROTOCOL)
    add("will-payload-format-2", V5, "c2s", connect(V5, flags=0x06, rest=will(V5, props=b"\x01\x02")), PROTOCOL)
    add("subscription-identifier-0", V5, "c2s", subscribe(V5, ("a", 0), props=b"\x0b\x00"), PROTOCOL)
    add("subscription-identifier-0-publish", V5, "s2c", publish(V5, props=b"\x0b\x00"), PROTOCOL)
    add("subscription-identifier-overlong", V5, "c2s", subscribe(V5, ("a", 0), props=b"\x0b\x81\x00"))
    add("subscription-identifier-5-bytes", V5, "c2s", subscribe(V5, ("a", 0), props=b"\x0b\xff\xff\xff\xff\x01"))
    for identifier in (0x17, 0x19):
        add(f"flag-{identifier:02x}-is-2", V5, "c2s", connect(V5, props=bytes([identifier, 2])), PROTOCOL)
    for identifier in (0x24, 0x25, 0x28, 0x29, 0x2A):
        add(f"flag-{identifier:02x}-is-2", V5, "s2c", connack(V5, props=bytes([identifier, 2])), PROTOCOL)
    for name, topic in (("plus", "a/+"), ("hash", "a/#"), ("empty", "")):
        props = b"\x08" + text(topic)
        add(f"response-topic-{name}", V5, "both", publish(V5, props=props), PROTOCOL)
        add(f"will-response-topic-{name}", V5, "c2s", connect(V5, flags=0x06, rest=will(V5, props=props)), PROTOCOL)
    for identifier in (0x12, 0x15, 0x1A, 0x1C, 0x1F):
        add(f"text-{identifier:02x}-ill-formed", V5, "s2c", connack(V5, props=bytes([identifier]) + text(b"\xc3")))
    for identifier in (0x03, 0x08):
        add(f"text-{identifier:02x}-ill-formed", V5, "both", publish(V5, props=bytes([identifier]) + text(b"\xc3")))


def property_structure(add):
    for identifier in (0x00, 0x04, 0x0A, 0x14, 0x1B, 0x20, 0x2B, 0x7F, 0x80, 0xFF):
        add(f"property-unknown-{identifier:02x}", V5, "both", publish(V5, props=bytes([identifier, 1])))
    add("property-section-too-long", V5, "both", packet(0x30, text("a"), b"\x05\x01\x01"))
    add("property-section-huge", V5, "both", packet(0x30, text("a"), b"\xff\xff\xff\x7f"))
    add("property-length-overlong", V5, "both", packet(0x30, text("a"), b"\x80\x00"))
    add("property-length-5-bytes", V5, "both", packet(0x30, text("a"), b"\x80\x80\x80\x80\x00"))
    add("property-length-cut", V5, "both", packet(0x30, text("a"), b"\x80"))
    for name, (data, packets) in PROPERTIES.items():
        kind = next(k for k in ("PUBLISH", "CONNECT", "CONNACK", "WILL", "DISCONNECT") if k in packets)
        prefix = METHOD if name == "authentication-data" else b""
        way, whole = carrying(kind, prefix + data[:-1], name)
        add(f"property-{name}-cut", V5, way, whole)
        way, whole = carrying(kind, prefix + data[:1], name)
        add(f"property-{name}-value-missing", V5, way, whole)
        if name != "user-property" and not (name == "subscription-identifier" and kind == "PUBLISH"):
            way, whole = carrying(kind, prefix + data + data, name)
            add(f"property-{name}-repeated", V5, way, whole, PROTOCOL)
    twice = b"\x0b\x01\x0b\x02"
    add("property-subscription-identifier-repeated", V5, "c2s", subscribe(V5, ("a", 0), props=twice), PROTOCOL)


def misplaced_properties(add):
    """Every property in every packet that must not carry it: a malformed packet by the standard's section 2.2.2.2."""
    for name, (data, packets) in PROPERTIES.items():
        for kind in sorted(EVERYWHERE - packets):
            props = METHOD + data if kind == "AUTH" else data
            add(f"property-{name}-misplaced-in-{kind.lower()}", V5, *carrying(kind, props))
