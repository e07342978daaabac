# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5("MQTT-3.3.4-10", "MQTT-4.9.0-3")
def exhausted_receive_maximum_holds_nothing_else(case):
    """A client that owes acknowledgements up to its Receive Maximum is answered all the same."""
    client, sender = case.client(props={"receive_maximum": 1}), case.client("sender")
    client.subscribe(case.topic(), qos=1)
    for number in range(3):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    owed = client.expect(mqtt.PUBLISH, payload=b"0")
    client.ping()
    client.subscribe(case.topic("other"), qos=1)
    client.publish(case.topic("nobody"), b"x", qos=1)
    client.publish(case.topic("nobody"), b"x", qos=2)
    client.unsubscribe(case.topic("other"))
    client.acknowledge(owed)
    client.receive("1")
    client.receive("2")
