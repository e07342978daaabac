# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import v4
from Support.wait import equal


@v4("MQTT3-3.1.2-6")
def clean_session_ends_with_its_connection(case):
    """In 3.1.1 a session with CleanSession 1 ends with its connection."""
    client = case.client(clean=True)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    equal(keeping(case).connack.session_present, False, "Session Present")
