# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v4
from Support.wait import equal


@v4("MQTT3-3.1.3-7", "MQTT3-3.1.3-8", "MQTT3-3.1.3-9")
def empty_client_id_without_clean_session_is_refused(case):
    """An empty client identifier with CleanSession 0 is answered with 0x02 and closed."""
    client = case.dial(client_id="")
    client.send(mqtt.connect(4, "", clean=False))
    equal(client.expect(mqtt.CONNACK).reason, 2, "CONNACK return code [MQTT-3.1.3-9]")
    client.expect_end()
