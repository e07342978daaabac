// SPDX-License-Identifier: Apache-2.0
// How long a broker takes from exec to its first CONNACK, and what memory it then has.

#pragma once

#include "options.h"

void start_run(const struct options *options);
