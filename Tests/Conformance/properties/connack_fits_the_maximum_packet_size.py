# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.client import Closed
from Support.suite import check, v5


@v5("MQTT-3.1.2-24")
def connack_fits_the_maximum_packet_size(case):
    """No CONNACK is larger than the client's Maximum Packet Size, however small that is."""
    for limit in (1, 2, 4, 5, 8, 12, 20, 40):
        client = case.dial(client_id="")
        client.send(mqtt.connect(5, "", props={"maximum_packet_size": limit}))
        try:
            answer = client.next()
        except Closed:
            continue
        check(answer.size <= limit, f"Maximum Packet Size {limit}: {answer!r} has {answer.size} bytes")
