# SPDX-License-Identifier: Apache-2.0
"""Packets that must be accepted."""

from properties import METHOD, PROPERTIES
from wire import *

BOTH = (V311, V5)
ALL = (V31, V311, V5)


def samples():
    out = []

    def add(name, version, way, data):
        out.append((f"{name}-v{version}", version, way, data, "ok"))

    for v in ALL:
        connects(add, v)
        publishes(add, v)
        acknowledgements(add, v)
        subscriptions(add, v)
        add("pingreq", v, "c2s", packet(0xC0))
        add("pingresp", v, "s2c", packet(0xD0))
        add("disconnect", v, "c2s", packet(0xE0))
    version_specific(add)
    five(add)
    each_property(add)
    return out


def connects(add, v):
    add("connect-minimal", v, "c2s", connect(v))
    add("connect-keep-alive-0", v, "c2s", connect(v, keep_alive=0))
    add("connect-keep-alive-max", v, "c2s", connect(v, keep_alive=65535))
    add("connect-stored-session", v, "c2s", connect(v, flags=0x00))
    add("connect-client-identifier-23", v, "c2s", connect(v, client="x" * 23))
    add("connect-client-identifier-long", v, "c2s", connect(v, client="x" * 300))
    add("connect-client-identifier-utf8", v, "c2s", connect(v, client="käfer-€-𝄞"))
    add("connect-user", v, "c2s", connect(v, flags=0x82, rest=text("u")))
    add("connect-user-empty", v, "c2s", connect(v, flags=0x82, rest=text("")))
    add("connect-user-password", v, "c2s", connect(v, flags=0xC2, rest=text("u") + text(b"\x00\xff")))
    add("connect-password-empty", v, "c2s", connect(v, flags=0xC2, rest=text("u") + text("")))
    for qos in range(3):
        add(f"connect-will-qos{qos}", v, "c2s", connect(v, flags=0x06 | qos << 3, rest=will(v)))
    add("connect-will-retain", v, "c2s", connect(v, flags=0x26, rest=will(v)))
    add("connect-will-empty-payload", v, "c2s", connect(v, flags=0x06, rest=will(v, payload=b"")))
    add("connect-everything", v, "c2s", connect(v, flags=0xF6, rest=will(v) + text("u") + text("p")))
    add("connack-accepted", v, "s2c", connack(v))
    if v != V5:
        for code in range(1, 6):
            add(f"connack-return-code-{code}", v, "s2c", connack(v, code=code))


def publishes(add, v):
    add("publish-qos0", v, "both", publish(v))
    add("publish-empty-payload", v, "both", publish(v, payload=b""))
    add("publish-retain", v, "both", publish(v, flags=0x1))
    add("publish-qos1", v, "both", publish(v, flags=0x2, identifier=1))
    add("publish-qos1-dup", v, "both", publish(v, flags=0xA, identifier=65535))
    add("publish-qos2", v, "both", publish(v, flags=0x4, identifier=256))
    add("publish-qos2-dup-retain", v, "both", publish(v, flags=0xD, identifier=2))
    add("publish-topic-1-byte", v, "both", publish(v, topic="/"))
    add("publish-topic-3-bytes", v, "both", publish(v, topic="€"))
    add("publish-topic-dollar", v, "both", publish(v, topic="$SYS/x"))
    add("publish-topic-space", v, "both", publish(v, topic="a b//c /"))
    add("publish-topic-utf8", v, "both", publish(v, topic="sensor/grün/€/𝄞"))
    add("publish-topic-control-character", v, "both", publish(v, topic="a\x01b"))
    add("publish-topic-bom", v, "both", publish(v, topic="\ufeffa"))
    add("publish-topic-last-code-point", v, "both", publish(v, topic="\U0010ffff"))
    add("publish-payload-125", v, "both", publish(v, payload=b"x" * 125))
    add("publish-payload-300", v, "both", publish(v, payload=b"\x00\xff\x80" * 100))


def acknowledgements(add, v):
    for name, first in (("puback", 0x40), ("pubrec", 0x50), ("pubrel", 0x62), ("pubcomp", 0x70)):
        add(name, v, "both", ack(first))
        add(f"{name}-identifier-max", v, "both", ack(first, identifier=65535))


def subscriptions(add, v):
    for qos in range(3):
        add(f"subscribe-qos{qos}", v, "c2s", subscribe(v, ("a/b", qos)))
    filters = ("#", "+", "/", "+/+", "/#", "a/#", "a/+/b/#", "+/tennis/#", "$SYS/#", "grün/€", "a//b")
    for i, f in enumerate(filters):
        add(f"subscribe-filter-{i}", v, "c2s", subscribe(v, (f, 1)))
        add(f"unsubscribe-filter-{i}", v, "c2s", unsubscribe(v, f))
    add("subscribe-three", v, "c2s", subscribe(v, ("a", 0), ("b/+", 1), ("c/#", 2), identifier=777))
    add("subscribe-same-twice", v, "c2s", subscribe(v, ("a", 0), ("a", 1)))
    add("subscribe-shared", v, "c2s", subscribe(v, ("$share/g/a/+", 1)))
    add("unsubscribe-three", v, "c2s", unsubscribe(v, "a", "b/+", "c/#"))
    add("suback-granted", v, "s2c", suback(v, [0, 1, 2]))
    add("suback-failure", v, "s2c", suback(v, [0x80]))
    add("unsuback", v, "s2c", unsuback(v, [0] if v == V5 else []))


def version_specific(add):
    add("publish-length-3-bytes", V311, "both", publish(V311, topic="t" * 9, payload=b"x" * 16384))
    add("connect-bridge", V31, "c2s", connect(V31, level=0x83))
    add("connect-bridge", V311, "c2s", connect(V311, level=0x84))
    add("connect-reserved-flag-noncanonical", V31, "c2s", connect(V31, flags=0x03))
    add("connect-user-announced-only-noncanonical", V31, "c2s", connect(V31, flags=0xC2))
    add("connect-password-announced-only-noncanonical", V31, "c2s", connect(V31, flags=0xC2, rest=text("u")))
    add("subscribe-dup-noncanonical", V31, "c2s", subscribe(V31, ("a", 0), first=0x8A))
    add("unsubscribe-dup-noncanonical", V31, "c2s", unsubscribe(V31, "a", first=0xAA))
    add("pubrel-dup-noncanonical", V31, "both", ack(0x6A))
    add("connack-flags-unused-noncanonical", V31, "s2c", connack(V31, flags=0xFF, code=5))
    add("connect-empty-client-identifier", V311, "c2s", connect(V311, client=""))
    add("subscribe-share-without-filter", V311, "c2s", subscribe(V311, ("$share/g", 0)))
    for v in BOTH:
        add("connack-session-present", v, "s2c", connack(v, flags=1))
    add("publish-padded-length-noncanonical", V311, "both", packet(0x30, text("a"), b"hi", pad=3))
    add("subscribe-padded-length-noncanonical", V311, "c2s", packet(0x82, u16(1), text("a"), b"\x00", pad=1))


def five(add):
    add("connect-empty-client-identifier", V5, "c2s", connect(V5, client="", flags=0))
    add("connect-password-alone", V5, "c2s", connect(V5, flags=0x42, rest=text("p")))
    codes = [*range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, *range(0x99, 0x9E), 0x9F]
    for code in codes:
        add(f"connack-reason-{code:02x}", V5, "s2c", connack(V5, code=code))
    for name, first, codes in (
        ("puback", 0x40, (0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99)),
        ("pubrec", 0x50, (0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99)),
        ("pubrel", 0x62, (0x92,)),
        ("pubcomp", 0x70, (0x92,)),
    ):
        for code in codes:
            add(f"{name}-reason-{code:02x}", V5, "both", ack(first, rest=bytes([code])))
        add(f"{name}-success-written-noncanonical", V5, "both", ack(first, rest=b"\x00"))
        add(f"{name}-no-properties-noncanonical", V5, "both", ack(first, rest=b"\x00\x00"))
    for code in (0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2):
        add(f"suback-reason-{code:02x}", V5, "s2c", suback(V5, [code]))
    for code in (0x11, 0x80, 0x83, 0x87, 0x8F, 0x91):
        add(f"unsuback-reason-{code:02x}", V5, "s2c", unsuback(V5, [code]))
    for code in (0x04, *range(0x80, 0x84), 0x87, 0x89, *range(0x8B, 0x91), *range(0x93, 0xA3)):
        add(f"disconnect-reason-{code:02x}", V5, "both", packet(0xE0, bytes([code])))
    add("disconnect-normal-written-noncanonical", V5, "both", packet(0xE0, b"\x00"))
    add("disconnect-no-properties-noncanonical", V5, "both", packet(0xE0, b"\x00\x00"))
    for options in (0x04, 0x08, 0x0D, 0x10, 0x20, 0x2E):
        add(f"subscribe-options-{options:02x}", V5, "c2s", subscribe(V5, ("a", options)))
    add("subscribe-shared-wildcards", V5, "c2s", subscribe(V5, ("$share/group one/+/x/#", 0x09)))
    add("unsubscribe-shared", V5, "c2s", unsubscribe(V5, "$share/g/#"))
    add("publish-alias-without-topic", V5, "both", publish(V5, topic="", props=b"\x23\x00\x01"))
    add("publish-subscription-identifiers", V5, "s2c", publish(V5, props=b"\x0b\x01\x0b\xff\xff\xff\x7f"))
    add("publish-payload-format-0", V5, "both", publish(V5, props=b"\x01\x00"))
    add("publish-payload-format-unchecked", V5, "both", publish(V5, payload=b"\xff", props=b"\x01\x01"))
    add("publish-expiry-0", V5, "both", publish(V5, props=b"\x02" + u32(0)))
    add("publish-user-properties-repeated", V5, "both", publish(V5, props=user("a", "1") + user("a", "1") + user("", "")))
    add("publish-long-properties", V5, "both", publish(V5, props=b"".join(user(f"key{i}", "x" * 40) for i in range(9))))
    add("publish-empty-content-type", V5, "both", publish(V5, props=b"\x03" + text("")))
    add("connect-topic-alias-maximum-0", V5, "c2s", connect(V5, props=b"\x22\x00\x00"))
    add("auth-empty", V5, "both", packet(0xF0))
    for code in (0x00, 0x18, 0x19):
        add(f"auth-reason-{code:02x}", V5, "both", packet(0xF0, bytes([code]), section(V5, METHOD)))


def each_property(add):
    """Every property in every packet that may carry it."""
    for name, (data, packets) in PROPERTIES.items():
        for kind in sorted(packets):
            props = METHOD + data if kind == "AUTH" and data != METHOD else data
            if kind in ("CONNECT", "CONNACK") and name == "authentication-data":
                props = METHOD + data
            add(f"property-{name}-in-{kind.lower()}", V5, *carrying(kind, props, name))


def carrying(kind, props, name=""):
    """A packet of a kind with the given properties, and the direction it takes."""
    p = section(V5, props)
    if kind == "PUBLISH":
        return ("s2c" if name == "subscription-identifier" else "both"), publish(V5, props=props)
    return {
        "CONNECT": lambda: ("c2s", connect(V5, props=props)),
        "WILL": lambda: ("c2s", connect(V5, flags=0x06, rest=will(V5, props=props))),
        "CONNACK": lambda: ("s2c", connack(V5, props=props)),
        "PUBACK": lambda: ("both", ack(0x40, rest=b"\x10" + p)),
        "PUBREC": lambda: ("both", ack(0x50, rest=b"\x10" + p)),
        "PUBREL": lambda: ("both", ack(0x62, rest=b"\x92" + p)),
        "PUBCOMP": lambda: ("both", ack(0x70, rest=b"\x92" + p)),
        "SUBSCRIBE": lambda: ("c2s", subscribe(V5, ("a", 0), props=props)),
        "SUBACK": lambda: ("s2c", suback(V5, [0], props=props)),
        "UNSUBSCRIBE": lambda: ("c2s", unsubscribe(V5, "a", props=props)),
        "UNSUBACK": lambda: ("s2c", unsuback(V5, [0], props=props)),
        "DISCONNECT": lambda: ("both", packet(0xE0, b"\x80", p)),
        "AUTH": lambda: ("both", packet(0xF0, b"\x18", p)),
    }[kind]()
