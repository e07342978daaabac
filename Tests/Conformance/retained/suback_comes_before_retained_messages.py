# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import stored
from Support import mqtt
from Support.suite import both


@both()
def suback_comes_before_retained_messages(case):
    """The answer to SUBSCRIBE comes first, the retained messages after it, whichever loop the client is on."""
    stored(case)
    for index in range(8):
        client = case.client(f"reader{index}")
        client.send(mqtt.subscribe(case.version, 7, [(case.topic("t"), 1)]))
        client.expect(mqtt.SUBACK, pid=7)
        client.expect(mqtt.PUBLISH, payload=b"kept", retain=True)
