# SPDX-License-Identifier: Apache-2.0
from Conformance.properties.parts import alias_maximum, pair
from Support.suite import v5


@v5("MQTT-3.3.2-12")
def topic_alias_can_be_given_anew(case):
    """A topic alias can be set to another topic."""
    receiver, sender = pair(case)
    alias_maximum(sender)
    receiver.subscribe(case.topic("other"))
    sender.publish(case.topic(), b"one", props={"topic_alias": 1})
    sender.publish(case.topic("other"), b"two", props={"topic_alias": 1})
    sender.publish("", b"three", props={"topic_alias": 1})
    receiver.receive("one", topic=case.topic())
    receiver.receive("two", topic=case.topic("other"))
    receiver.receive("three", topic=case.topic("other"))
