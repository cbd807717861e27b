/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thin wrap of libcrypto's EVP interface. The pointers below are resolved once per process; a failure is
 * remembered with its message, so that every caller gets it.
 */
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/dynlib.h"

#define PIECE_SIZE ((size_t)1 << 18)

/* EVP_MD_CTX, EVP_MD and ENGINE are opaque here: no OpenSSL header is needed to build. */
static void *(*context_new)(void);
static void (*context_free)(void *context);
static const void *(*sha256_method)(void);
static int (*digest_init)(void *context, const void *method, void *engine);
static int (*digest_update)(void *context, const void *data, size_t size);
static int (*digest_final)(void *context, unsigned char *hash, unsigned *size);

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static rem_error load_error;
static rem_status load_status;

static void load(void) {
  const rem_dynlib_symbol symbols[] = {
      {"EVP_MD_CTX_new", (void **)&context_new},       {"EVP_MD_CTX_free", (void **)&context_free},
      {"EVP_sha256", (void **)&sha256_method},         {"EVP_DigestInit_ex", (void **)&digest_init},
      {"EVP_DigestUpdate", (void **)&digest_update},   {"EVP_DigestFinal_ex", (void **)&digest_final},
  };
  load_status = rem_dynlib_load("libcrypto.so.3", "libssl3", symbols, sizeof symbols / sizeof *symbols, &load_error);
}

struct rem_sha256 {
  void *context; /* owned, EVP_MD_CTX */
};

static rem_status crypto_failure(rem_error *err) {
  return rem_error_set(err, REM_INTERNAL, "libcrypto cannot compute a SHA-256 hash");
}

rem_status rem_sha256_new(rem_sha256 **ret_hasher, rem_error *err) {
  pthread_once(&load_once, load);
  if (load_status != REM_OK) {
    if (err)
      *err = load_error;
    return load_status;
  }
  rem_sha256 *hasher = rem_calloc(1, sizeof *hasher);
  if (!hasher)
    return rem_error_nomem(err);
  hasher->context = context_new();
  if (!hasher->context || digest_init(hasher->context, sha256_method(), NULL) != 1) {
    rem_sha256_free(hasher);
    return crypto_failure(err);
  }
  *ret_hasher = hasher;
  return REM_OK;
}

void rem_sha256_free(rem_sha256 *hasher) {
  if (!hasher)
    return;
  if (hasher->context)
    context_free(hasher->context);
  rem_free(hasher);
}

rem_status rem_sha256_update(rem_sha256 *hasher, const void *data, size_t size, rem_error *err) {
  return size == 0 || digest_update(hasher->context, data, size) == 1 ? REM_OK : crypto_failure(err);
}

rem_status rem_sha256_final(rem_sha256 *hasher, char ret_hex[65], rem_error *err) {
  unsigned char hash[64]; /* EVP_MAX_MD_SIZE */
  unsigned size = 0;
  if (digest_final(hasher->context, hash, &size) != 1 || size != 32)
    return crypto_failure(err);
  for (size_t i = 0; i < 32; i++)
    snprintf(ret_hex + 2 * i, 3, "%02x", hash[i]);
  return REM_OK;
}

static void hasher_cleanup(rem_sha256 **hasher) {
  rem_sha256_free(*hasher);
}

static rem_status hash_descriptor(int fd, const char *path, rem_sha256 *hasher, rem_error *err) {
  char *piece REM_AUTO_FREE = rem_alloc(PIECE_SIZE);
  if (!piece)
    return rem_error_nomem(err);
  for (;;) {
    ssize_t got = read(fd, piece, PIECE_SIZE);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return rem_error_errno(err, errno, "cannot read", path);
    if (got == 0)
      return REM_OK;
    REM_TRY(rem_sha256_update(hasher, piece, (size_t)got, err));
  }
}

rem_status rem_sha256_file(const char *path, char ret_hex[65], rem_error *err) {
  rem_sha256 *hasher REM_CLEANUP(hasher_cleanup) = NULL;
  REM_TRY(rem_sha256_new(&hasher, err));
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return rem_error_errno(err, errno, "cannot open", path);
  rem_status status = hash_descriptor(fd, path, hasher, err);
  close(fd);
  return status == REM_OK ? rem_sha256_final(hasher, ret_hex, err) : status;
}
