// SPDX-License-Identifier: Apache-2.0
// Clients that come, subscribe, publish one message to themselves and go, half of them with DISCONNECT, half by a reset
// of their connection: how many a second, and whether anything of them stays in the broker.

#pragma once

#include "options.h"

void churn_run(const struct options *options);
