// SPDX-License-Identifier: Apache-2.0
// Who publishes what to whom: groups of publishers and subscribers around one topic each, connected and subscribed.

#pragma once

#include "load.h"

// Builds the groups and their rings; nothing is connected yet.
void topology_build(struct load *load);

// Brings every connection up; subscribers are subscribed before any publisher exists.
void topology_connect(struct load *load);
void topology_close(struct load *load);

// Messages of this group that its slowest subscriber has received; of a shared subscription, those up to the first that
// nobody has received.
uint64_t topology_delivered(const struct load *load, const struct group *group);

// Messages that subscribers should have received by now but have not, over all groups; negative when too many came.
int64_t topology_missing(const struct load *load);
