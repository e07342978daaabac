# SPDX-License-Identifier: Apache-2.0
from Conformance.properties.parts import alias_maximum, pair
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.3.2-12")
def topic_alias_stands_for_its_topic(case):
    """A topic alias, once set, stands for its topic, and subscribers see the topic."""
    receiver, sender = pair(case)
    alias = alias_maximum(sender)
    sender.publish(case.topic(), b"one", props={"topic_alias": alias})
    sender.publish("", b"two", props={"topic_alias": alias})
    for text in ("one", "two"):
        equal(receiver.receive(text, topic=case.topic()).properties, {}, "properties")
