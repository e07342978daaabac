# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.3.2-4", "MQTT-3.3.2-17", "MQTT-3.3.2-20")
def properties_are_kept(case):
    """A retained message keeps its properties."""
    given = {"payload_format": 1, "content_type": "text/plain", "response_topic": "answers",
             "correlation_data": b"\0\1", "user_property": [("b", "1"), ("a", "2"), ("b", "1")]}
    stored(case, props=given)
    client = case.client()
    client.subscribe(case.topic())
    equal(client.receive("kept").properties, given, "properties")
