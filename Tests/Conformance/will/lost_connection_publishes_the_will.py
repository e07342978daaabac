# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import watched
from Support.suite import both


@both("MQTT-3.1.2-7", "MQTT-3.1.2-8")
def lost_connection_publishes_the_will(case):
    """A connection that ends without DISCONNECT publishes the will."""
    watcher, mortal = watched(case)
    mortal.close()
    watcher.receive("gone", topic=case.topic("will"), retain=False)
