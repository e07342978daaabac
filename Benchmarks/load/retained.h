// SPDX-License-Identifier: Apache-2.0
// Retained messages: how fast they are set, what each costs in memory, and how fast one new subscriber gets them all.

#pragma once

#include "options.h"

void retained_run(const struct options *options);
