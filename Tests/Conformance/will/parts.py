# SPDX-License-Identifier: Apache-2.0
# What the behaviours of this chapter share.


def will_of(case, **more):
    return {"topic": case.topic("will"), "payload": b"gone", **more}


def watched(case, qos=0, will=None, **options):
    """A watcher of the will's topic, and a client with the will."""
    watcher = case.client("watcher")
    watcher.subscribe(case.topic("will"), qos=qos)
    return watcher, case.client("mortal", will=will or will_of(case), **options)
