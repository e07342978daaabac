// SPDX-License-Identifier: Apache-2.0
// Many clients that do nothing: how fast they connect, and what memory each costs the broker with one subscription.

#pragma once

#include "load.h"

void idle_run(const struct options *options);
