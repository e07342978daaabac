# SPDX-License-Identifier: Apache-2.0
from Support.suite import TESTS, both, check


@both()
def corpus_is_there(case):
    """The corpus of malformed packets is in its place."""
    check((TESTS / "Corpus/mqtt/malformed.txt").exists(), "Tests/Corpus/mqtt/malformed.txt is missing")
