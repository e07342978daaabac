# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both, check


@both("MQTT-3.1.2-2", "MQTT-3.2.2-7")
def unknown_protocol_level_is_refused(case):
    """A CONNECT with an unknown protocol level is refused with Unsupported Protocol Version."""
    client = case.dial(version=4)
    client.send(mqtt.connect(4, client.client_id, level=6 if case.version == 5 else 99))
    end = client.expect_end()
    check(end is None or end.reason in (0x01, 0x84), f"an unexpected answer: {end!r}")
