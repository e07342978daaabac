# SPDX-License-Identifier: Apache-2.0
# What the behaviours of this chapter share.

EXPIRY = {"session_expiry": 300}


def keeping(case, name="receiver", **options):
    """A client whose session outlives its connection."""
    return case.client(name, clean=False, props=dict(EXPIRY) if case.version == 5 else None, **options)
