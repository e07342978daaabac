# SPDX-License-Identifier: Apache-2.0
from Support.suite import both, mqtt
from Support.wait import equal

COUNT = 5000


@both("MQTT-3.3.1-9")
def thousands_of_retained_messages_all_come(case):
    """A new subscription gets all the retained messages of its filter, with QoS 0 and 1, however many they are."""
    sender = case.client("sender")
    for i in range(COUNT):
        sender.send(mqtt.publish(case.version, case.topic(f"many/{i}"), b"%d" % i, 0, True))
    sender.publish(case.topic("last"), b"", qos=1)
    for qos in (0, 1):
        client = case.client(f"c{qos}")
        client.subscribe(case.topic("many/#"), qos=qos)
        equal({int(client.receive(retain=True).payload) for _ in range(COUNT)}, set(range(COUNT)), "numbers")
        client.unsubscribe(case.topic("many/#"))
    for i in range(COUNT):
        sender.send(mqtt.publish(case.version, case.topic(f"many/{i}"), b"", 0, True))
    sender.ping()
