# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import _has_retained, stored
from Support.suite import both
from Support.wait import until


@both("MQTT-3.8.4-8")
def retained_qos_is_the_lower_one(case):
    """A retained message comes at the lower of its own and the subscription's QoS."""
    for published in range(3):
        stored(case, b"q", f"q{published}", qos=published)
        for subscribed in range(3):
            client = case.client(f"s{published}{subscribed}")
            if published == 0:
                until(lambda: _has_retained(case, f"q{published}"), "the QoS 0 message is kept")
            client.subscribe(case.topic(f"q{published}"), qos=subscribed)
            client.receive("q", qos=min(published, subscribed), retain=True)
