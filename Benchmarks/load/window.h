// SPDX-License-Identifier: Apache-2.0
// Publishing within a credit window: as fast as the broker delivers, and never so far ahead that it must drop.
// A group publishes again once half of its window is free: the other half is under way meanwhile, so the broker never
// waits, and messages travel in batches, as they do from busy clients. A window of 1 forbids any batch.

#pragma once

#include "load.h"

// Lets the first `count` groups publish as far as their windows allow, from now on.
void window_begin(struct load *load, uint32_t count);

// Lets one group publish as far as its window allows, but no more than `offered` messages since the run began.
void window_offer(struct load *load, uint32_t group, uint64_t offered);

// Lets the groups that were touched in the last turn go on.
void window_go_on(struct load *load);

// Turns until `end`; gives up with a sentence when nothing is delivered any more.
void window_run(struct load *load, uint64_t end);

// Receives what is still under way, so that what is missing afterwards is lost.
void window_drain(struct load *load);
