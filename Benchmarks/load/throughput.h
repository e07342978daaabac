// SPDX-License-Identifier: Apache-2.0
// Saturation within a credit window: as fast as the broker delivers, and never so far ahead that it must drop.

#pragma once

#include "load.h"

void throughput_run(const struct options *options);
