# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched
from Support.suite import both


@both("MQTT-3.1.2-8", "MQTT-3.1.4-3")
def take_over_publishes_the_will(case):
    """A connection that is taken over by another one with a clean start leaves its will."""
    watcher, mortal = watched(case)
    case.client("mortal")
    mortal.expect_end()
    watcher.receive("gone")
