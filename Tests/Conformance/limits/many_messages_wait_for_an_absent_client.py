# SPDX-License-Identifier: Apache-2.0
from Support.suite import both


@both()
def many_messages_wait_for_an_absent_client(case):
    """Five hundred QoS 1 messages wait for an absent client in their order."""
    props = {"session_expiry": 300} if case.version == 5 else None
    client = case.client("c", clean=False, props=props)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    sender = case.client("sender")
    for number in range(500):
        sender.publish(case.topic(), str(number).encode(), qos=1)
    client = case.client("c", clean=False, props=props)
    for number in range(500):
        client.receive(str(number), qos=1)
