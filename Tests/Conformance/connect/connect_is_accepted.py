# SPDX-License-Identifier: Apache-2.0
from Support.suite import behaviour
from Support.wait import equal


@behaviour("MQTT-3.1.4-5", "MQTT-3.2.0-1", "MQTT-4.2-1", versions=(3, 4, 5))
def connect_is_accepted(case):
    """A correct CONNECT is answered with a CONNACK that says success and no session present."""
    client = case.client()
    equal(client.connack.session_present, False, "Session Present")
