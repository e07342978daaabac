# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import check, v5


@v5("MQTT-3.14.0-1")
def no_disconnect_before_the_connack(case):
    """A client that is not let in gets a CONNACK or nothing, but no DISCONNECT."""
    for first in (mqtt.connect(5, case.id(), flags=0x03), mqtt.connect(5, case.id(), props={"receive_maximum": 0}),
                  mqtt.pingreq(), mqtt.publish(5, case.topic(), b"x"), b"\xf0\x02\x18\x00"):
        client = case.dial()
        client.send(first)
        answer = client.expect_end()
        check(answer is None or answer.type == mqtt.CONNACK, f"{first.hex()} is answered with {answer!r}")
