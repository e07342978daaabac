# SPDX-License-Identifier: Apache-2.0
from Support.suite import v3


@v3()
def disconnect_takes_the_will_back(case):
    """After a DISCONNECT no will is published."""
    watcher = case.client("watcher")
    watcher.subscribe(case.topic("will"))
    case.client("mortal", will={"topic": case.topic("will"), "payload": b"gone"}).disconnect()
    case.fence(watcher)
