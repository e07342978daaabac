# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched
from Support.suite import both


@both("MQTT-3.1.2-10", "MQTT-3.14.4-3")
def disconnect_deletes_the_will(case):
    """A DISCONNECT deletes the will."""
    watcher, mortal = watched(case)
    mortal.disconnect()
    case.fence(watcher)
