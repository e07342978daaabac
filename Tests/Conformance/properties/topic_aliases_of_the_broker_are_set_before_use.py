# SPDX-License-Identifier: Apache-2.0
from Support.suite import check, v5
from Support.wait import equal


@v5("MQTT-3.1.2-26", "MQTT-3.3.2-8", "MQTT-3.3.2-10")
def topic_aliases_of_the_broker_are_set_before_use(case):
    """Topic aliases from the broker are 1 to the client's maximum, and stand for the topic they were sent with."""
    receiver, sender = case.client("receiver", props={"topic_alias_maximum": 2}), case.client("sender")
    receiver.subscribe(case.topic("#"))
    known = {}
    for number in range(60):
        topic = case.topic(f"a/rather/long/topic/{number % 5 if number % 3 else 0}")
        sender.publish(topic, str(number).encode())
        message = receiver.receive(str(number))
        alias = message.properties.get("topic_alias")
        if alias is not None:
            check(1 <= alias <= 2, f"topic alias {alias}")
            if message.topic:
                known[alias] = message.topic
            check(alias in known, f"topic alias {alias} was never set")
        equal(message.topic or known[alias], topic, "topic")
