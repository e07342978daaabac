# SPDX-License-Identifier: Apache-2.0
from Support.suite import both, check
from Support.wait import until


@both()
def sys_topics_say_who_the_broker_is(case):
    """The broker tells about itself below $SYS."""
    client = case.client()
    client.subscribe("$SYS/#")
    until(lambda: client.next("$SYS message").payload, "a $SYS message with a payload")
    check(client.connack.reason == 0, "connected")
