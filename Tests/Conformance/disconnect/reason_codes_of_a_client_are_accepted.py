# SPDX-License-Identifier: Apache-2.0
from Support.suite import v5


@v5("MQTT-3.14.2-1")
def reason_codes_of_a_client_are_accepted(case):
    """Every reason code that a client may send ends the connection quietly."""
    for reason in (0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99):
        client = case.client(f"r{reason}")
        client.disconnect(reason, {"reason_string": "why", "user_property": ("a", "b")})
