# SPDX-License-Identifier: Apache-2.0
from Support.suite import v3
from Support.wait import equal


@v3()
def connack_has_no_session_present(case):
    """The first byte of the CONNACK is 0 even when a session goes on: MQTT 3.1 does not use it."""
    case.client(clean=False).disconnect()
    equal(case.client(clean=False).connack.session_present, False, "the unused byte")
