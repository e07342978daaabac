// SPDX-License-Identifier: Apache-2.0
// How fast a broker answers clients that already wait for it. Opening a connection costs a client's kernel more than
// the broker, so here the broker is held (SIGSTOP) while --concurrency clients connect; only its own part is timed.

#pragma once

#include "options.h"

void backlog_run(const struct options *options);
