// SPDX-License-Identifier: Apache-2.0
// zlib as the system ships it; ClusterLink inflates compressed terms with it.
#include <zlib.h>
