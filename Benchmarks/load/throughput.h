// SPDX-License-Identifier: Apache-2.0
// Saturation: how many messages a second the broker delivers within a credit window.

#pragma once

#include "load.h"

void throughput_run(const struct options *options);
