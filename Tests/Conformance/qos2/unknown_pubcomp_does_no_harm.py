# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both()
def unknown_pubcomp_does_no_harm(case):
    """A PUBCOMP for a packet identifier that is not in use changes nothing."""
    client = case.client()
    client.send(mqtt.ack(case.version, mqtt.PUBCOMP, 4711))
    client.ping()
