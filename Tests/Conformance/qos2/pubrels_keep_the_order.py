# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-4.6.0-4")
def pubrels_keep_the_order(case):
    """PUBRELs come in the order of the PUBRECs, not in that of the deliveries."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(case.topic(), qos=2)
    for number in range(4):
        sender.publish(case.topic(), str(number).encode(), qos=2)
    pids = [client.expect(mqtt.PUBLISH).pid for _ in range(4)]
    answered = [pids[i] for i in (2, 0, 3, 1)]
    for pid in answered:
        client.send(mqtt.ack(case.version, mqtt.PUBREC, pid))
    for pid in answered:
        client.expect(mqtt.PUBREL, pid=pid)
