# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import check, v5
from Support.wait import equal


@v5("MQTT-3.1.2-24")
def acknowledgements_fit_the_maximum_packet_size(case):
    """A SUBACK or UNSUBACK above the client's Maximum Packet Size is not sent; the connection may end for it."""
    def sizes(client):
        limit, found = 60, []
        client.send(mqtt.connect(5, client.client_id, props={"maximum_packet_size": limit}))
        equal(client.next().reason, 0, "reason code of the CONNACK")
        filters = [case.topic(f"t{number}") for number in range(100)]
        client.send(mqtt.subscribe(5, 1, [(name, 0) for name in filters]))
        client.send(mqtt.unsubscribe(5, 2, filters))
        client.send(mqtt.pingreq())
        while not found or found[-1].type not in (mqtt.PINGRESP, mqtt.DISCONNECT):
            found.append(client.next())
            check(found[-1].type not in (mqtt.SUBACK, mqtt.UNSUBACK), f"{found[-1]!r} is above {limit} bytes")
        return found
    last = sizes(case.dial())[-1]
    check(last.type == mqtt.PINGRESP or last.reason == 0x95, f"{last!r}")
