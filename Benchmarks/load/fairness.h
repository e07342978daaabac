// SPDX-License-Identifier: Apache-2.0
// Fairness: what a quiet pair of clients waits for its messages alone, and beside pairs that saturate the broker.
// Only the broker's share of that counts: messages carry the time at which they were sent, not the one when they were
// due, and the kernel says when they came back. However busy the generator is with the others, it is not in the figures.

#pragma once

#include "load.h"

void fairness_run(const struct options *options);
