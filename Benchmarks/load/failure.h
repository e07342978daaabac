// SPDX-License-Identifier: Apache-2.0
// How the load generator gives up: one sentence on standard error, exit status 1, and no result.
// A run that could not be measured as asked must never print figures.

#pragma once

#include <stddef.h>

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Zeroed memory, or the end of the run.
void *allocate(size_t count, size_t size);
