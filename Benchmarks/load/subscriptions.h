// SPDX-License-Identifier: Apache-2.0
// Many subscriptions: how fast they are made, what each costs in memory, and what a message costs among them.

#pragma once

#include "options.h"

void subscriptions_run(const struct options *options);
