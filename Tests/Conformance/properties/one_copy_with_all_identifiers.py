# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.3.4-2", "MQTT-3.3.4-4")
def one_copy_with_all_identifiers(case):
    """A client behind several filters gets a message once, at the highest QoS, with all identifiers; later, too."""
    receiver, sender = case.client("receiver", props={"session_expiry": 100}), case.client("sender")
    for identifier, name, qos in ((300, "a/#", 0), (None, "a/+", 2), (2, "a/b", 1), (70_000, "+/b", 0)):
        props = {"subscription_id": identifier} if identifier else None
        receiver.subscribe(case.topic(name), qos=qos, props=props)
    receiver.subscribe(case.topic("end"))

    def publish():
        sender.publish(case.topic("a/b"), b"x", qos=2, props={"user_property": [("k", "v")]})

    def check_one(client):
        message = client.take(mqtt.PUBLISH)
        equal((message.qos, message.payload), (2, b"x"), f"{message!r}")
        equal(sorted(message.properties["subscription_id"]), [2, 300, 70_000], "identifiers")
        equal(message.properties["user_property"], [("k", "v")], "properties")
        return message
    publish()
    message = check_one(receiver)
    sender.publish(case.topic("end"), b"end")
    equal(receiver.take(mqtt.PUBLISH).payload, b"end", "the next message")
    receiver.send(mqtt.ack(5, mqtt.PUBREC, message.pid, 0x97))
    case.fence(receiver, sender)
    receiver.close()
    publish()
    check_one(case.client("receiver", clean=False, props={"session_expiry": 100}))
