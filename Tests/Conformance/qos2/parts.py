# SPDX-License-Identifier: Apache-2.0
# What the behaviours of this chapter share.


def keeping(case, name="receiver", **options):
    """A client whose session outlives its connection."""
    return case.client(name, clean=False, props={"session_expiry": 300} if case.version == 5 else None, **options)


def pair(case, keep=False):
    receiver = keeping(case) if keep else case.client("receiver")
    receiver.subscribe(case.topic(), qos=2)
    return receiver, case.client("sender")


def wait_on_the_broker(case, seconds):
    """Returns when so many seconds have passed by the broker's clock: it publishes a will after them."""
    watcher = case.client("watcher")
    watcher.subscribe(case.topic("clock"))
    case.client("clock", will={"topic": case.topic("clock"), "payload": b"", "props": {"will_delay": seconds}},
                props={"session_expiry": 60}).close()
    watcher.receive(b"")
