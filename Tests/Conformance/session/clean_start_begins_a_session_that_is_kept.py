# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import v5
from Support.wait import equal


@v5("MQTT-3.1.2-23")
def clean_start_begins_a_session_that_is_kept(case):
    """Clean Start 1 with a Session Expiry Interval begins a session that is kept."""
    client = keeping(case, clean=True)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    case.client("sender").publish(case.topic(), b"waiting", qos=1)
    client = keeping(case)
    equal(client.connack.session_present, True, "Session Present")
    client.receive("waiting")
