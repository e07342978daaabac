// SPDX-License-Identifier: Apache-2.0
// How the load generator gives up; see failure.h.

#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) {
        fail("Out of memory for %zu items of %zu bytes; use fewer connections or a smaller window.", count, size);
    }
    return memory;
}
