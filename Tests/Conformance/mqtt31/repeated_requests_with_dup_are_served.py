# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import v3


@v3()
def repeated_requests_with_dup_are_served(case):
    """SUBSCRIBE, UNSUBSCRIBE and PUBREL may have the DUP flag, with which a 3.1 client repeats them."""
    client, dup = case.client(), 0b1000
    for kind, whole, answer in (
            (mqtt.SUBSCRIBE, mqtt.subscribe(3, 1, [(case.topic(), 1)]), mqtt.SUBACK),
            (mqtt.UNSUBSCRIBE, mqtt.unsubscribe(3, 2, [case.topic()]), mqtt.UNSUBACK),
            (mqtt.PUBREL, mqtt.ack(3, mqtt.PUBREL, 3), mqtt.PUBCOMP)):
        client.send(bytes([whole[0] | dup]) + whole[1:])
        client.expect(answer)
