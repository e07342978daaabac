# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v5


@v5()
def pubrec_of_an_unknown_identifier_is_told(case):
    """A PUBREC for a packet identifier that is not in use is answered with PUBREL 0x92."""
    receiver = case.client()
    receiver.send(mqtt.ack(5, mqtt.PUBREC, 4321))
    receiver.expect(mqtt.PUBREL, pid=4321, reason=0x92)
