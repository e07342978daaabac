# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched, will_of
from Support.suite import both


@both("MQTT-3.1.2-15")
def retained_will_is_kept(case):
    """A will with Will Retain is published as a retained message."""
    watcher, mortal = watched(case, will=will_of(case, retain=True, qos=1))
    mortal.close()
    watcher.receive("gone", retain=False)
    late = case.client("late")
    late.subscribe(case.topic("will"))
    late.receive("gone", retain=True)
