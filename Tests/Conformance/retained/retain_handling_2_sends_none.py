# SPDX-License-Identifier: Apache-2.0
from Conformance.retained.parts import RH2, stored
from Support.suite import v5


@v5("MQTT-3.3.1-11")
def retain_handling_2_sends_none(case):
    """Retain Handling 2 sends no retained messages."""
    sender = stored(case)
    client = case.client()
    client.subscribe(case.topic(), options=RH2)
    case.fence(client, sender)
