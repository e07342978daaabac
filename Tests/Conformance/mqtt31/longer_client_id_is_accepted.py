# SPDX-License-Identifier: Apache-2.0
from Support.suite import v3


@v3()
def longer_client_id_is_accepted(case):
    """A client identifier of more than 23 characters is accepted too: many clients have such."""
    for length in (24, 64, 200):
        case.client(client_id=f"{case.id():0<{length}}")
