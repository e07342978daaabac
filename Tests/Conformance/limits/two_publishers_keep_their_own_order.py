# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both
from Support.wait import equal


@both("MQTT-4.6.0-5")
def two_publishers_keep_their_own_order(case):
    """Two publishers to one topic: the messages of each keep their order."""
    receiver = case.client("receiver")
    receiver.subscribe(case.topic(), qos=1)
    senders = [case.client(f"s{i}") for i in range(2)]
    for number in range(50):
        for which, sender in enumerate(senders):
            sender.send(mqtt.publish(case.version, case.topic(), f"{which} {number}", 1, pid=number + 1))
    seen = {"0": [], "1": []}
    for _ in range(100):
        message = receiver.take(mqtt.PUBLISH)
        which, number = message.payload.decode().split()
        seen[which].append(int(number))
        receiver.acknowledge(message)
    for numbers in seen.values():
        equal(numbers, list(range(50)), "the order of one publisher")
