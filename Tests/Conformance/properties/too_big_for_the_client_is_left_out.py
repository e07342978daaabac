# SPDX-License-Identifier: Apache-2.0
from Support.suite import v5


@v5("MQTT-3.1.2-24", "MQTT-3.1.2-25")
def too_big_for_the_client_is_left_out(case):
    """A message above the client's Maximum Packet Size is not sent, and the next ones are."""
    receiver = case.client("receiver", props={"maximum_packet_size": 200})
    receiver.subscribe(case.topic(), qos=1)
    sender = case.client("sender")
    for qos in (0, 1):
        sender.publish(case.topic(), b"x" * 300, qos=qos)
    sender.publish(case.topic(), b"small", qos=1)
    receiver.receive("small")
