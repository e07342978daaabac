# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both
from Support.wait import equal


@both("MQTT-2.2.1-4", "MQTT-4.3.2-1")
def deliveries_have_different_packet_identifiers(case):
    """Deliveries that are not acknowledged have packet identifiers of their own."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    for number in range(10):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    pids = {receiver.expect(mqtt.PUBLISH, payload=str(i).encode()).pid for i in range(10)}
    equal(len(pids), 10, "different packet identifiers")
