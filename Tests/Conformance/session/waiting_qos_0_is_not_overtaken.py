# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support import mqtt
from Support.suite import check, v5


@v5("MQTT-4.6.0-6")
def waiting_qos_0_is_not_overtaken(case):
    """A QoS 0 message that waited for its client, if it is kept, comes before newer ones, also with a full window."""
    client = keeping(case)
    client.subscribe(case.topic("one"), qos=1)
    client.subscribe(case.topic("zero"))
    client.disconnect()
    sender = case.client("sender")
    for number in range(3):
        sender.publish(case.topic("one"), str(number).encode(), qos=1)
    sender.publish(case.topic("zero"), b"waited")
    sender.ping()
    client = case.client(clean=False, props={"session_expiry": 300, "receive_maximum": 1})
    sender.publish(case.topic("zero"), b"live")
    payloads = []
    while not payloads or payloads[-1] != b"live":
        message = client.expect(mqtt.PUBLISH)
        if message.qos == 0:
            payloads.append(message.payload)
    check(payloads in ([b"waited", b"live"], [b"live"]), f"order of QoS 0: {payloads}")
    client.ping()
    check(not any(p.type == mqtt.PUBLISH and p.qos == 0 for p in client.inbox), f"more came: {client.inbox!r}")
