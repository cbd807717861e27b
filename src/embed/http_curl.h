/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of libcurl used here, declared so that the library is needed only when a provider is: its header is no build dependency, and nothing
 * is linked. Numbers are those of curl/curl.h, which never change.
 */
#ifndef REM_EMBED_HTTP_CURL_H
#define REM_EMBED_HTTP_CURL_H

#include <stddef.h>
#include <time.h>

#include "base/error.h"

enum {
  CURL_GLOBAL_SSL_AND_WIN32 = 3,

  CURLOPT_WRITEDATA = 10001,
  CURLOPT_URL = 10002,
  CURLOPT_WRITEFUNCTION = 20011,
  CURLOPT_POSTFIELDS = 10015,
  CURLOPT_USERAGENT = 10018,
  CURLOPT_HTTPHEADER = 10023,
  CURLOPT_HEADERDATA = 10029,
  CURLOPT_FOLLOWLOCATION = 52,
  CURLOPT_CAINFO = 10065,
  CURLOPT_HEADERFUNCTION = 20079,
  CURLOPT_NOSIGNAL = 99,
  CURLOPT_PRIVATE = 10103,
  CURLOPT_POSTFIELDSIZE_LARGE = 30120,
  CURLOPT_TIMEOUT_MS = 155,
  CURLOPT_CONNECTTIMEOUT_MS = 156,
  CURLOPT_PROTOCOLS_STR = 10318,
  CURLOPT_QUICK_EXIT = 322,

  CURLINFO_RESPONSE_CODE = 0x200000 + 2,
  CURLINFO_PRETRANSFER_TIME = 0x300000 + 6,
  CURLINFO_PRIVATE = 0x100000 + 21,

  CURLMSG_DONE = 1,

  CURLE_OK = 0,
  CURLE_COULDNT_RESOLVE_PROXY = 5,
  CURLE_COULDNT_RESOLVE_HOST = 6,
  CURLE_COULDNT_CONNECT = 7,
  CURLE_HTTP2 = 16,
  CURLE_PARTIAL_FILE = 18,
  CURLE_WRITE_ERROR = 23,
  CURLE_OUT_OF_MEMORY = 27,
  CURLE_OPERATION_TIMEDOUT = 28,
  CURLE_SSL_CONNECT_ERROR = 35,
  CURLE_GOT_NOTHING = 52,
  CURLE_SEND_ERROR = 55,
  CURLE_RECV_ERROR = 56,
  CURLE_PEER_FAILED_VERIFICATION = 60,
  CURLE_SSL_CACERT_BADFILE = 77,
  CURLE_HTTP2_STREAM = 92,
};

typedef struct rem_curl_message {
  int kind; /* CURLMSG_DONE */
  void *easy;
  union {
    void *whatever;
    int result; /* CURLE_… */
  } data;
} rem_curl_message;

/* libcurl's functions; easy, multi and slist handles are opaque here. */
typedef struct rem_curl {
  int (*global_init)(long flags);
  void *(*easy_init)(void);
  void (*easy_cleanup)(void *easy);
  int (*easy_setopt)(void *easy, int option, ...);
  int (*easy_getinfo)(void *easy, int info, ...);
  const char *(*easy_strerror)(int code);
  void *(*multi_init)(void);
  int (*multi_cleanup)(void *multi);
  int (*multi_add)(void *multi, void *easy);
  int (*multi_remove)(void *multi, void *easy);
  int (*multi_perform)(void *multi, int *running);
  int (*multi_poll)(void *multi, void *extra, unsigned extra_count, int timeout_ms, int *ret_count);
  rem_curl_message *(*multi_info_read)(void *multi, int *ret_left);
  void *(*slist_append)(void *list, const char *text);
  void (*slist_free_all)(void *list);
  time_t (*getdate)(const char *text, const time_t *unused); /* -1: not a date */
} rem_curl;

/* Loads libcurl once a process. REM_UNSUPPORTED when that cannot be (hint: the package to install). Static. */
REM_CHECKED rem_status rem_curl_load(const rem_curl **ret_curl, rem_error *err);

#endif
