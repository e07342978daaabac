# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both("MQTT-3.1.4-1")
def connect_of_another_form_is_closed(case):
    """A CONNECT that is too short or too long for its own fields ends the connection."""
    whole = mqtt.connect(case.version, case.id(), will={"topic": case.topic(), "payload": b"w"})
    body = whole[2:]
    for wrong in (body + b"x", body[:-1], body[:10], body[:4], b""):
        client = case.dial()
        client.send(mqtt.packet(mqtt.CONNECT, 0, wrong))
        client.expect_end()
