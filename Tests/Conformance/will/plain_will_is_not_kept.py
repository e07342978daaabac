# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched
from Support.suite import both


@both("MQTT-3.1.2-14")
def plain_will_is_not_kept(case):
    """A will without Will Retain is not kept."""
    watcher, mortal = watched(case)
    mortal.close()
    watcher.receive("gone")
    late = case.client("late")
    late.subscribe(case.topic("will"))
    case.fence(late)
