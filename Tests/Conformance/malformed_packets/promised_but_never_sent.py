# SPDX-License-Identifier: Apache-2.0
from Support import mqtt
from Support.suite import both


@both()
def promised_but_never_sent(case):
    """Many clients that promise big packets and send nothing of them do not stop the others."""
    bystander = case.client("bystander")
    for number in range(50):
        client = case.client(f"p{number}")
        client.send(b"\x30" + mqtt.varint(900_000) + b"\x00")
    bystander.ping()
    bystander.subscribe(case.topic())
    bystander.publish(case.topic(), b"served", qos=1)
    bystander.receive("served")
