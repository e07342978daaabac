# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched
from Support.suite import both


@both("MQTT-3.1.2-10", "MQTT3-3.1.2-12")
def will_of_the_old_connection_is_forgotten(case):
    """A new connection without a will has none, whatever the connection before had."""
    watcher, mortal = watched(case)
    mortal.disconnect()
    case.client("mortal").close()
    case.fence(watcher)
