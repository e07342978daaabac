# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both()
def unknown_puback_does_no_harm(case):
    """A PUBACK for a packet identifier that is not in use changes nothing."""
    client = case.client()
    client.send(mqtt.ack(case.version, mqtt.PUBACK, 4711))
    client.ping()
