# SPDX-License-Identifier: Apache-2.0
from Conformance.publish.parts import pair
from Support import mqtt
from Support.suite import both
from Support.wait import equal


def order_case(qos):
    def in_order(case):
        receiver, sender = pair(case, qos=qos)
        for number in range(200):
            sender.send(mqtt.publish(case.version, case.topic(), str(number), qos, pid=number + 1))
            if qos and number % 10 == 9:
                for pid in range(number - 8, number + 2):
                    sender.take(mqtt.PUBACK if qos == 1 else mqtt.PUBREC, pid=pid)
                    if qos == 2:
                        sender.send(mqtt.ack(case.version, mqtt.PUBREL, pid))
                        sender.take(mqtt.PUBCOMP, pid=pid)
        seen = []
        while len(seen) < 200:
            message = receiver.take(mqtt.PUBLISH)
            seen.append(int(message.payload))
            receiver.acknowledge(message)
        equal(seen, list(range(200)), "the order of arrival")
    in_order.__name__ = f"order_is_kept_at_qos_{qos}"
    in_order.__doc__ = f"200 messages of one publisher at QoS {qos} arrive in the order of publishing."
    return in_order


for level in range(3):
    both("MQTT-4.6.0-5", "MQTT-4.6.0-6")(order_case(level))
