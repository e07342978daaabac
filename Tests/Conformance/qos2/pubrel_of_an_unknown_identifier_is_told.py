# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5()
def pubrel_of_an_unknown_identifier_is_told(case):
    """A PUBREL for a packet identifier that is not in use is answered with 0x92."""
    sender = case.client()
    sender.send(mqtt.ack(5, mqtt.PUBREL, 1234))
    sender.expect(mqtt.PUBCOMP, pid=1234, reason=0x92)
