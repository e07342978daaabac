// SPDX-License-Identifier: Apache-2.0
// What ends the program; see failure.h.

#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("reference: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *allocate(size_t size) { return reallocate(NULL, size); }

void *reallocate(void *memory, size_t size) {
    void *result = realloc(memory, size);
    if (result == NULL) fail("There is no memory for %zu bytes; start fewer clients.", size);
    return result;
}
