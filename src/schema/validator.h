/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validator: a JSON Schema, draft 2020-12, compiled once and used by any number of threads.
 *
 *   schema document --rem_validator_new--> nodes (immutable) --rem_validator_check--> REM_OK or the first error
 *
 * Validating what is valid allocates nothing (but for uniqueItems of long lists and unevaluated*). What is not valid is
 * walked a second time, to say where and why.
 *
 * All keywords of the core, applicator, validation and unevaluated vocabularies are checked, and `format` is asserted
 * (format.h). Of older drafts `definitions`, `dependencies` and, when `$schema` names such a draft, `items` as a list are
 * understood. Refused when compiling, never ignored: references to other documents, $dynamicRef, $recursiveRef, a `$id` below the
 * top. Keywords that nobody knows are extensions and are ignored, as the standard says.
 */
#ifndef REM_SCHEMA_VALIDATOR_H
#define REM_SCHEMA_VALIDATOR_H

#include "base/json.h"

typedef struct rem_validator rem_validator;

/*
 * Compiles a whole document: an object, or true or false. It is kept by reference and must not change any more.
 * REM_INVALID: not a schema; the message has the JSON pointer into it. REM_UNSUPPORTED: see above. REM_LIMIT: too large
 * or too deep. Owned: rem_validator_free().
 */
REM_CHECKED rem_status rem_validator_new(const json_t *schema, rem_validator **ret_validator, rem_error *err);
void rem_validator_free(rem_validator *validator);

/*
 * REM_INVALID: "at '/age': expected integer, found string 'x'", with a hint from the schema's description of the field.
 * REM_LIMIT: the instance is nested too deeply, or a pattern or the schema is too costly for it. Thread-safe.
 */
REM_CHECKED rem_status rem_validator_check(const rem_validator *validator, const json_t *instance, rem_error *err);

/*
 * Adds the `default`s of absent properties to an object, and to the objects in it that its schema describes by `properties`
 * ($ref, allOf and the items of lists are followed; of anyOf and oneOf only what stands beside null). Other
 * instances are left alone. Thread-safe for different instances.
 */
REM_CHECKED rem_status rem_validator_apply_defaults(const rem_validator *validator, json_t *instance, rem_error *err);

#endif
