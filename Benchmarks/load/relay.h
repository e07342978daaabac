// SPDX-License-Identifier: Apache-2.0
// The self-test's counterpart: a thread that plays broker for one subscriber and one publisher by copying bytes.
// It is faster than any broker can be, so a throughput run against it shows what the generator can do.

#pragma once

// Starts the thread on `core` (-1 = any) and writes the port it listens on.
void relay_start(int core, char port[6]);
