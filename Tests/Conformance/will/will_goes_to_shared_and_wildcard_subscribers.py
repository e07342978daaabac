# SPDX-License-Identifier: Apache-2.0
from Conformance.will.parts import will_of
from Support.suite import both


@both()
def will_goes_to_shared_and_wildcard_subscribers(case):
    """A will is routed like any message: wildcard subscribers get it."""
    watcher, mortal = case.client("watcher"), case.client("mortal", will=will_of(case))
    watcher.subscribe(case.topic("+"))
    mortal.close()
    watcher.receive("gone")
