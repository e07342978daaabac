# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v3


@v3()
def empty_client_id_is_refused(case):
    """An empty client identifier is answered with 0x02 and closed, with CleanSession or without."""
    for clean in (True, False):
        client = case.dial(client_id="")
        client.send(mqtt.connect(3, "", clean))
        client.expect(mqtt.CONNACK, reason=2)
        client.expect_end()
