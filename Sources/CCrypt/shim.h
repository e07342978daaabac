// SPDX-License-Identifier: Apache-2.0
/* libxcrypt: crypt_r and its scratch space, for bcrypt. */
#ifndef ISTHMUS_CCRYPT_SHIM_H
#define ISTHMUS_CCRYPT_SHIM_H
#include <crypt.h>
#endif
