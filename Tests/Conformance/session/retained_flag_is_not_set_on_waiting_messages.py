# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import both


@both("MQTT-4.5.0-1")
def retained_flag_is_not_set_on_waiting_messages(case):
    """A message that waited for an absent client comes without RETAIN, even if it was published with it."""
    client = keeping(case)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    case.client("sender").publish(case.topic(), b"r", qos=1, retain=True)
    keeping(case).receive("r", retain=False)
