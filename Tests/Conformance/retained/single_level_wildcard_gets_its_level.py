# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support.suite import both
from Support.wait import equal


@both("MQTT-3.3.1-9")
def single_level_wildcard_gets_its_level(case):
    """A + gets the retained messages of that level alone."""
    for name in ("l/1/x", "l/2/x", "l/2/y", "l/3/x/z"):
        sender = stored(case, name.encode(), name)
    client = case.client()
    client.subscribe(case.topic("l/+/x"))
    equal({client.receive().payload for _ in range(2)}, {b"l/1/x", b"l/2/x"}, "payloads")
    case.fence(client, sender)
