# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import both
from Support.wait import equal


@both("MQTT-3.3.1-9")
def each_filter_of_a_subscribe_gets_its_retained(case):
    """A SUBSCRIBE of several filters gets the retained messages of each."""
    stored(case, b"a", "a")
    stored(case, b"b", "b")
    client = case.client()
    client.subscribe(case.topic("a"), case.topic("b"))
    equal({client.receive().payload for _ in range(2)}, {b"a", b"b"}, "payloads")
