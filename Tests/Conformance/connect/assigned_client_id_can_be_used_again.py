# SPDX-License-Identifier: Apache-2.0
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.1.3-7", "MQTT-3.2.2-16")
def assigned_client_id_can_be_used_again(case):
    """A session under an assigned client identifier can be resumed by that identifier."""
    first = case.client(client_id="", props={"session_expiry": 100})
    name = first.connack.properties["assigned_client_id"]
    first.disconnect()
    equal(case.client(client_id=name, clean=False).connack.session_present, True, "Session Present")
