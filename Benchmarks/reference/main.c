// SPDX-License-Identifier: Apache-2.0
// The reference broker: what one core can do with none of the features. See ../README.md.

#include "failure.h"
#include "loop.h"

#include <stdlib.h>
#include <sys/resource.h>

int main(int argc, char **argv) {
    char *rest = NULL;
    unsigned long port = argc == 2 ? strtoul(argv[1], &rest, 10) : 0;
    if (port == 0 || port > UINT16_MAX || *rest != '\0') fail("Usage: reference PORT (1 to 65535, on 127.0.0.1).");
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    loop_open((uint16_t)port);
    loop_run();
}
