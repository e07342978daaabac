# SPDX-License-Identifier: Apache-2.0
# What the behaviours of this chapter share.
import time


def silent_client(case):
    """A client that says nothing, and the instant of its last packet."""
    return case.client("silent", keepalive=1), time.monotonic()
