// SPDX-License-Identifier: Apache-2.0
/* PCRE2 for 8-bit code units; Swift sees its functions under their full names (pcre2_match_8). */
#ifndef ISTHMUS_CPCRE2_SHIM_H
#define ISTHMUS_CPCRE2_SHIM_H
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif
