// SPDX-License-Identifier: Apache-2.0
// Receivers that do not read: what they cost the broker in memory, and the others that subscribe to the same topic.

#pragma once

#include "load.h"

void slow_run(const struct options *options);
