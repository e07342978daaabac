# SPDX-License-Identifier: Apache-2.0
from Conformance.publish.parts import pair
from Support.suite import behaviour


@behaviour("MQTT-3.3.2-1", "MQTT-4.5.0-1", versions=(3, 4, 5))
def subscriber_gets_the_message(case):
    """A subscriber gets topic and payload as they were published."""
    receiver, sender = pair(case)
    sender.publish(case.topic(), b"hello")
    receiver.receive("hello", topic=case.topic(), qos=0, retain=False, dup=False)
