# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both("MQTT-3.8.4-5")
def hundreds_of_filters_in_one_packet(case):
    """A SUBSCRIBE of 500 filters works for every one of them."""
    client, sender = case.client(), case.client("sender")
    client.subscribe(*[case.topic(f"many/{i}") for i in range(500)])
    for number in (0, 250, 499):
        sender.publish(case.topic(f"many/{number}"), b"x")
        client.receive("x", topic=case.topic(f"many/{number}"))
