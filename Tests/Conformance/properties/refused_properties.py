# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


def refused(label, sentence, reasons, make, connected=True):
    def is_refused(case):
        client = case.client() if connected else case.dial()
        client.send(make(case, client))
        client.expect_end(reasons=reasons)
    is_refused.__name__, is_refused.__doc__ = label, sentence
    v5("MQTT-4.13.1-1")(is_refused)


def raw_publish(case, props):
    return mqtt.packet(mqtt.PUBLISH, 0, mqtt.text(case.topic()) + props + b"x")


refused("property_twice", "A property that may stand once stands twice: a protocol error.", [0x82],
        lambda case, _: mqtt.publish(5, case.topic(), b"x", props={"content_type": ["a", "b"]}))
refused("connect_property_twice", "A CONNECT with Session Expiry Interval twice is a protocol error.", [0x82],
        lambda _, c: mqtt.connect(5, c.client_id, props={"session_expiry": [1, 2]}), connected=False)
refused("unknown_property", "An unknown property is malformed.", [0x81, 0x82],
        lambda case, _: raw_publish(case, b"\x02\x7e\x00"))
refused("misplaced_property", "A property that does not belong into its packet ends the connection.", [0x81, 0x82],
        lambda case, _: mqtt.publish(5, case.topic(), b"x", props={"session_expiry": 1}))
refused("misplaced_connect_property", "A CONNECT with a Topic Alias is refused.", [0x81, 0x82],
        lambda _, c: mqtt.connect(5, c.client_id, props={"topic_alias": 1}), connected=False)
refused("property_length_past_the_end", "A property length past the end of the packet is malformed.", [0x81],
        lambda case, _: raw_publish(case, b"\x7f"))
refused("property_cut_off", "A property that is cut off by the property length is malformed.", [0x81, 0x82],
        lambda case, _: raw_publish(case, b"\x02\x02\x00"))
refused("property_length_of_five_bytes", "A property length of five bytes is malformed.", [0x81],
        lambda case, _: raw_publish(case, b"\x80\x80\x80\x80\x01"))
refused("payload_format_2", "A Payload Format Indicator above 1 is refused.", [0x81, 0x82, 0x99],
        lambda case, _: mqtt.publish(5, case.topic(), b"x", props={"payload_format": 2}))
refused("problem_information_2", "A Request Problem Information above 1 is a protocol error.", [0x82],
        lambda _, c: mqtt.connect(5, c.client_id, props={"request_problem_information": 2}), connected=False)
refused("response_information_2", "A Request Response Information above 1 is a protocol error.", [0x82],
        lambda _, c: mqtt.connect(5, c.client_id, props={"request_response_information": 2}), connected=False)
refused("authentication_data_alone", "Authentication Data without a method is a protocol error.", [0x82],
        lambda _, c: mqtt.connect(5, c.client_id, props={"auth_data": b"x"}), connected=False)
refused("auth_without_method", "An AUTH packet on a connection without authentication method is a protocol error.",
        [0x82], lambda *_: b"\xf0\x00")
refused("user_property_not_utf8", "A user property that is not UTF-8 is malformed.", [0x81, 0x82],
        lambda case, _: mqtt.publish(5, case.topic(), b"x", props={"user_property": (b"\xff", b"a")}))
