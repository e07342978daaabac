# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import RAP, stored
from Support.suite import v5


@v5("MQTT-3.3.1-13")
def retain_as_published_keeps_the_flag(case):
    """With Retain As Published a live message keeps its RETAIN flag."""
    client = case.client()
    client.subscribe(case.topic(), options=RAP)
    sender = stored(case)
    client.receive("kept", retain=True)
    sender.publish(case.topic(), b"plain")
    client.receive("plain", retain=False)
