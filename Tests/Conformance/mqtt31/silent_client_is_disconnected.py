# SPDX-License-Identifier: Apache-2.0
from Support.suite import v3


@v3()
def silent_client_is_disconnected(case):
    """A client that is silent for more than its Keep Alive is disconnected."""
    case.client(keepalive=1).expect_end()
