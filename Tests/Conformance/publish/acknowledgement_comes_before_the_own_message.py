# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both()
def acknowledgement_comes_before_the_own_message(case):
    """A publisher that receives its own message is told first that it has arrived: small, large and several."""
    client = case.client()
    client.subscribe(case.topic(), qos=2)
    for size in (1, 5000, 50_000):
        for qos, answer in ((1, mqtt.PUBACK), (2, mqtt.PUBREC)):
            pid = client.pid()
            client.send(mqtt.publish(case.version, case.topic(), b"x" * size, qos=qos, pid=pid))
            client.expect(answer, pid=pid)
            message = client.expect(mqtt.PUBLISH, qos=qos, payload=b"x" * size)
            client.send(mqtt.ack(case.version, mqtt.PUBACK if qos == 1 else mqtt.PUBREC, message.pid))
            if qos == 2:
                client.expect(mqtt.PUBREL, pid=message.pid)
                client.send(mqtt.ack(case.version, mqtt.PUBCOMP, message.pid))
                client.send(mqtt.ack(case.version, mqtt.PUBREL, pid))
                client.expect(mqtt.PUBCOMP, pid=pid)
