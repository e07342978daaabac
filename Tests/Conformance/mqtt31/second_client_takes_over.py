# SPDX-License-Identifier: Apache-2.0
from Support.suite import v3


@v3()
def second_client_takes_over(case):
    """A second connection with the same client identifier ends the first one."""
    first = case.client()
    second = case.client()
    first.expect_end()
    second.ping()
