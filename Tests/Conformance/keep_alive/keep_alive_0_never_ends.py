# SPDX-License-Identifier: Apache-2.0
from Conformance.keep_alive.parts import silent_client
from Support.suite import both


@both()
def keep_alive_0_never_ends(case):
    """With Keep Alive 0 a client may be silent for as long as it likes."""
    forever = case.client("forever", keepalive=0)
    client, _ = silent_client(case)
    client.expect_end()
    forever.ping()
