# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support import mqtt
from Support.suite import both
from Support.wait import equal


@both("MQTT-3.3.1-9")
def wildcard_gets_every_retained_message(case):
    """A wildcard subscription gets all retained messages that match, and no others."""
    for name in ("a", "a/b", "a/c", "x/b"):
        sender = stored(case, name.encode(), name)
    client = case.client()
    client.subscribe(case.topic("a/#"))
    found = {client.expect(mqtt.PUBLISH, retain=True).topic for _ in range(3)}
    equal(found, {case.topic(n) for n in ("a", "a/b", "a/c")}, "topics")
    case.fence(client, sender)
