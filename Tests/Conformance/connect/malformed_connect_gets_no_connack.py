# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import check, v4


@v4("MQTT3-3.1.4-1", "MQTT3-3.2.2-6")
def malformed_connect_gets_no_connack(case):
    """A malformed CONNECT of 3.1.1, for which there is no return code, is closed without a CONNACK."""
    for flags in (0x03, 0x1A, 0x22):
        client = case.dial()
        client.send(mqtt.connect(4, client.client_id, flags=flags))
        answer = client.expect_end()
        check(answer is None, f"connect flags 0x{flags:02X} are answered with {answer!r}")
