/* SPDX-License-Identifier: Apache-2.0 */
#include "embed/http_curl.h"

#include <pthread.h>

#include "base/dynlib.h"

static rem_curl curl;
static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static rem_error load_error;
static rem_status load_status;

/* The build of libcurl against OpenSSL, the one of Debian's `curl`; it trusts the system's certificates. */
static void load(void) {
  const rem_dynlib_symbol symbols[] = {
      {"curl_global_init", (void **)&curl.global_init},
      {"curl_easy_init", (void **)&curl.easy_init},
      {"curl_easy_cleanup", (void **)&curl.easy_cleanup},
      {"curl_easy_setopt", (void **)&curl.easy_setopt},
      {"curl_easy_getinfo", (void **)&curl.easy_getinfo},
      {"curl_easy_strerror", (void **)&curl.easy_strerror},
      {"curl_multi_init", (void **)&curl.multi_init},
      {"curl_multi_cleanup", (void **)&curl.multi_cleanup},
      {"curl_multi_add_handle", (void **)&curl.multi_add},
      {"curl_multi_remove_handle", (void **)&curl.multi_remove},
      {"curl_multi_perform", (void **)&curl.multi_perform},
      {"curl_multi_poll", (void **)&curl.multi_poll},
      {"curl_multi_info_read", (void **)&curl.multi_info_read},
      {"curl_slist_append", (void **)&curl.slist_append},
      {"curl_slist_free_all", (void **)&curl.slist_free_all},
      {"curl_getdate", (void **)&curl.getdate},
  };
  load_status = rem_dynlib_load("libcurl.so.4", "libcurl4", symbols, sizeof symbols / sizeof *symbols, &load_error);
  if (load_status == REM_OK && curl.global_init(CURL_GLOBAL_SSL_AND_WIN32) != CURLE_OK)
    load_status = rem_error_set(&load_error, REM_UNSUPPORTED, "libcurl cannot be set up");
}

rem_status rem_curl_load(const rem_curl **ret_curl, rem_error *err) {
  pthread_once(&load_once, load);
  if (load_status != REM_OK) {
    if (err)
      *err = load_error;
    return load_status;
  }
  *ret_curl = &curl;
  return REM_OK;
}
