# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both, check


@both()
def packet_identifiers_go_round(case):
    """Thousands of deliveries run through the packet identifiers without a stop."""
    receiver, sender = case.client("receiver"), case.client("sender")
    receiver.subscribe(case.topic(), qos=1)
    for batch in range(40):
        sender.send(b"".join(mqtt.publish(case.version, case.topic(), b"%d" % i, 1, pid=i + 1) for i in range(20)))
        for number in range(20):
            receiver.receive(b"%d" % number)
        for number in range(20):
            sender.expect(mqtt.PUBACK, pid=number + 1)
    check(batch == 39, "all batches went through")
