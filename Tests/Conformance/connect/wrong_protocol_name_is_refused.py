# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both, check


@both("MQTT-3.1.2-1")
def wrong_protocol_name_is_refused(case):
    """A CONNECT with another protocol name is refused and the connection closed."""
    client = case.dial()
    client.send(mqtt.connect(case.version, client.client_id, name="MQTX"))
    end = client.expect_end()
    check(end is None or end.reason in (0x01, 0x84), f"an unexpected answer: {end!r}")
