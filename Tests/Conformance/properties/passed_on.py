# SPDX-License-Identifier: Apache-2.0
from Conformance.properties.parts import pair
from Support.suite import v5
from Support.wait import equal


def passed_on(name, value, cite):
    def property_is_passed_on(case):
        receiver, sender = pair(case)
        sender.publish(case.topic(), b"x", props={name: value})
        equal(receiver.receive("x").properties, {name: value}, "properties")
    property_is_passed_on.__name__ = name + "_is_passed_on"
    property_is_passed_on.__doc__ = f"The property {name} of a PUBLISH reaches the subscribers unchanged."
    v5(cite)(property_is_passed_on)


passed_on("payload_format", 1, "MQTT-3.3.2-4")

passed_on("content_type", "application/json; charset=utf-8", "MQTT-3.3.2-20")

passed_on("response_topic", "answers/here", "MQTT-3.3.2-15")

passed_on("correlation_data", bytes(range(256)), "MQTT-3.3.2-16")

passed_on("user_property", [("b", "1"), ("a", ""), ("b", "1"), ("", "x")], "MQTT-3.3.2-18")
