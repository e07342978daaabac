// SPDX-License-Identifier: Apache-2.0
// What ends the program: one sentence on standard error, status 1.

#pragma once

#include <stddef.h>

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Memory, or the end of the program. `reallocate` is realloc with the same promise.
void *allocate(size_t size);
void *reallocate(void *memory, size_t size);
