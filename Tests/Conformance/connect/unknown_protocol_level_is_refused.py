# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import behaviour, check
from Support.wait import equal


@behaviour("MQTT-3.1.2-2", "MQTT-3.2.2-7", versions=(5,))
def unknown_protocol_level_is_refused(case):
    """A CONNECT with a level above 5 is refused in the form of MQTT 5, with Unsupported Protocol Version."""
    for level in (6, 7, 99, 0x86):
        client = case.dial(version=5)
        client.send(mqtt.connect(5, client.client_id, level=level))
        told = client.expect_end()
        check(told is None or told.reason == 0x84, f"level {level}: an unexpected answer: {told!r}")


@behaviour("MQTT-3.1.2-2", "MQTT-3.2.2-7", versions=(4,))
def unknown_older_protocol_level_is_refused(case):
    """A CONNECT with a level below 3 is refused in the form of MQTT 3.1.1, with return code 1."""
    for level in (0, 1, 2, 0x82):
        client = case.dial(version=4)
        client.send(mqtt.connect(4, client.client_id, level=level))
        told = client.expect_end()
        check(told is not None, f"level {level}: closed without a CONNACK")
        equal(told.reason, 0x01, f"return code for level {level}")
