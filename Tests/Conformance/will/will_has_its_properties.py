# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched, will_of
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.1.3-10")
def will_has_its_properties(case):
    """A will is published with the properties that its CONNECT gave it."""
    given = {"payload_format": 1, "content_type": "text/plain", "response_topic": "answers", "correlation_data": b"42",
             "user_property": [("why", "lost"), ("who", "me"), ("why", "again")]}
    watcher, mortal = watched(case, will=will_of(case, props=given))
    mortal.close()
    equal(watcher.receive("gone").properties, given, "properties of the will")
