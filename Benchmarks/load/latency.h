// SPDX-License-Identifier: Apache-2.0
// Latency at a fixed rate, or at a share of the broker's saturation: from the moment a message was due to its receipt.

#pragma once

#include "load.h"

void latency_run(const struct options *options);
