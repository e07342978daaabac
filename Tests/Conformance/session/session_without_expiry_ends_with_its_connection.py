# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.1.2-23", "MQTT-4.1.0-2")
def session_without_expiry_ends_with_its_connection(case):
    """Without a Session Expiry Interval the session ends with the connection."""
    client = case.client(clean=False)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    equal(keeping(case).connack.session_present, False, "Session Present")
