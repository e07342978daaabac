# SPDX-License-Identifier: Apache-2.0
"""One correct encoding of each MQTT 5 property, and the packets it may stand in, typed off the standard's table."""

from wire import text, u16, u32, user

PUBLISH_LIKE = {"PUBLISH", "WILL"}
ANSWERS = {"CONNACK", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBACK", "UNSUBACK", "DISCONNECT", "AUTH"}
EVERYWHERE = ANSWERS | PUBLISH_LIKE | {"CONNECT", "SUBSCRIBE", "UNSUBSCRIBE"}

# name: (encoded, packets)
PROPERTIES = {
    "payload-format": (b"\x01\x01", PUBLISH_LIKE),
    "message-expiry": (b"\x02" + u32(3600), PUBLISH_LIKE),
    "content-type": (b"\x03" + text("text/plain"), PUBLISH_LIKE),
    "response-topic": (b"\x08" + text("re/ply"), PUBLISH_LIKE),
    "correlation-data": (b"\x09" + text(b"\x00\xff\x01"), PUBLISH_LIKE),
    "subscription-identifier": (b"\x0b\xff\x7f", {"PUBLISH", "SUBSCRIBE"}),
    "session-expiry": (b"\x11" + u32(0xFFFFFFFF), {"CONNECT", "CONNACK", "DISCONNECT"}),
    "assigned-client-identifier": (b"\x12" + text("auto-1"), {"CONNACK"}),
    "server-keep-alive": (b"\x13" + u16(30), {"CONNACK"}),
    "authentication-method": (b"\x15" + text("SCRAM-SHA-256"), {"CONNECT", "CONNACK", "AUTH"}),
    "authentication-data": (b"\x16" + text(b"\x00\x01"), {"CONNECT", "CONNACK", "AUTH"}),
    "request-problem-information": (b"\x17\x00", {"CONNECT"}),
    "will-delay": (b"\x18" + u32(5), {"WILL"}),
    "request-response-information": (b"\x19\x01", {"CONNECT"}),
    "response-information": (b"\x1a" + text("resp/c"), {"CONNACK"}),
    "server-reference": (b"\x1c" + text("other:1883"), {"CONNACK", "DISCONNECT"}),
    "reason-string": (b"\x1f" + text("because"), ANSWERS),
    "receive-maximum": (b"\x21" + u16(20), {"CONNECT", "CONNACK"}),
    "topic-alias-maximum": (b"\x22" + u16(10), {"CONNECT", "CONNACK"}),
    "topic-alias": (b"\x23" + u16(7), {"PUBLISH"}),
    "maximum-qos": (b"\x24\x01", {"CONNACK"}),
    "retain-available": (b"\x25\x01", {"CONNACK"}),
    "user-property": (user("key", "välue"), EVERYWHERE),
    "maximum-packet-size": (b"\x27" + u32(65536), {"CONNECT", "CONNACK"}),
    "wildcard-subscription-available": (b"\x28\x00", {"CONNACK"}),
    "subscription-identifier-available": (b"\x29\x01", {"CONNACK"}),
    "shared-subscription-available": (b"\x2a\x01", {"CONNACK"}),
}

METHOD = PROPERTIES["authentication-method"][0]
