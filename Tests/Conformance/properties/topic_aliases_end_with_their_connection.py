# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.3.2-7")
def topic_aliases_end_with_their_connection(case):
    """What is sent again on a new connection names its topic there, whatever aliases the old one had."""
    options = {"clean": False, "props": {"session_expiry": 300, "topic_alias_maximum": 10}}
    receiver, sender = case.client("receiver", **options), case.client("sender")
    topic = case.topic("a/rather/long/topic")
    receiver.subscribe(topic, qos=1)
    for number in range(4):
        sender.publish(topic, str(number).encode(), qos=1)
        receiver.expect(mqtt.PUBLISH, payload=str(number).encode())
    receiver.close()
    again = case.client("receiver", **options)
    aliases = {}
    for number in range(2):
        message = again.receive(str(number))
        alias = message.properties.get("topic_alias")
        # An alias that this connection has been told stands for its topic.
        name = message.topic or aliases.get(alias)
        equal(name, topic, f"topic of {message!r} by the aliases of its own connection")
        aliases[alias] = name
