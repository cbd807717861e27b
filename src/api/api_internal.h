/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the API: how options are read whatever version of the header the caller was compiled with. */
#ifndef REM_API_API_INTERNAL_H
#define REM_API_API_INTERNAL_H

#include <string.h>

/* Fills `options` with defaults by `init`, then with as much of `given` (may be NULL) as its struct_size says there is. */
#define REM_READ_OPTIONS(type, options, given)                                                     \
  type options;                                                                                    \
  type##_init(&options);                                                                           \
  if (given)                                                                                       \
  memcpy(&options, (given), (given)->struct_size < sizeof options ? (given)->struct_size : sizeof options)

#endif
