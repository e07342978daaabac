# SPDX-License-Identifier: Apache-2.0
from Support.suite import Skip, v5


@v5()
def retain_is_available(case):
    """The CONNACK does not deny retained messages."""
    if case.client().connack.properties.get("retain_available", 1) == 0:
        raise Skip("this broker has no retained messages")
