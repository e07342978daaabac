# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both
from Support.wait import equal


@both("MQTT-3.8.4-4")
def replacing_loses_nothing(case):
    """A subscription that is replaced again and again while messages flow loses none of them."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    for number in range(100):
        if number % 5 == 0:
            receiver.send(mqtt.subscribe(case.version, 1000 + number, [(case.topic(), 1 + number % 2)]))
        sender.publish(case.topic(), str(number).encode(), qos=1)
    seen = []
    while len(seen) < 100:
        message = receiver.take(mqtt.PUBLISH)
        receiver.acknowledge(message)
        seen.append(int(message.payload))
    equal(seen, list(range(100)), "the messages that came")
