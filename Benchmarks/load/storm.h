// SPDX-License-Identifier: Apache-2.0
// Everybody comes back at once, as after a restart of the broker: clients connect, and subscribe as soon as they may.

#pragma once

#include "options.h"

void storm_run(const struct options *options);
