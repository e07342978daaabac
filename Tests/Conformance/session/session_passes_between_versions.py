# SPDX-License-Identifier: Apache-2.0
from Conformance.session.parts import keeping
from Support.suite import v5
from Support.wait import equal


@v5()
def session_passes_between_versions(case):
    """A session that was begun with 5.0 goes on with 3.1.1."""
    client = keeping(case)
    client.subscribe(case.topic(), qos=1)
    client.disconnect()
    case.client("sender").publish(case.topic(), b"over", qos=1)
    older = case.client("c", version=4, clean=False)
    equal(older.connack.session_present, True, "Session Present")
    older.receive("over")
