// SPDX-License-Identifier: Apache-2.0
// Sessions that outlive their connections: what each costs the broker, what each message queued for them costs, and how
// fast clients get what has waited for them.

#pragma once

#include "options.h"

void sessions_run(const struct options *options);
