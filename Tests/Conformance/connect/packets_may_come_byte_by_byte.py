# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both()
def packets_may_come_byte_by_byte(case):
    """A packet that arrives one byte at a time is the same packet."""
    client = case.dial()
    for byte in mqtt.connect(case.version, client.client_id, username="u", password=b"p"):
        client.send(bytes([byte]))
    client.expect(mqtt.CONNACK, reason=0)
    for byte in mqtt.publish(case.version, case.topic(), b"slow", qos=1, pid=7):
        client.send(bytes([byte]))
    client.expect(mqtt.PUBACK, pid=7)
