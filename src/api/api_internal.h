/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the API: how options are read whatever version of the header the caller was compiled with. */
#ifndef REM_API_API_INTERNAL_H
#define REM_API_API_INTERNAL_H

#include <string.h>

#include "base/error.h"

/* Fills `options` with defaults by `init`, then with as much of `given` (may be NULL) as its struct_size says there is. Needs `err` in scope: options
 * that were never initialised would be passed over in silence. */
#define REM_READ_OPTIONS(type, options, given)                                                     \
  type options;                                                                                    \
  type##_init(&options);                                                                           \
  REM_CHECK_ARG(!(given) || (given)->struct_size >= sizeof(size_t), err);                          \
  if (given)                                                                                       \
  memcpy(&options, (given), (given)->struct_size < sizeof options ? (given)->struct_size : sizeof options)

#endif
