# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import check, v5


@v5("MQTT-3.1.3-8")
def empty_client_id_without_clean_start_is_decided(case):
    """An empty client identifier with Clean Start 0 gets either a new session or 0x85."""
    client = case.dial(client_id="")
    client.send(mqtt.connect(5, "", clean=False))
    connack = client.expect(mqtt.CONNACK)
    check(connack.reason in (0, 0x85) and not connack.session_present, f"{connack!r}")
