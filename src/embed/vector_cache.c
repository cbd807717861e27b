/* SPDX-License-Identifier: Apache-2.0 */
#include "embed/vector_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/blake3.h"
#include "base/crc32c.h"
#include "base/file.h"

#define MAGIC "REMVEC1"
#define HEADER_SIZE 64
#define WAYS 8
#define HEAD_SIZE 32
#define HEADS_SIZE (WAYS * HEAD_SIZE)
#define FIRST_BUCKETS 8
#define BUCKETS_MAX (1u << 24)
#define DIMENSION_MAX 65536
#define FOLDER "embeddings"
#define SUFFIX ".vectors"
#define NEW_SUFFIX ".new" /* behind the other: a file that is being doubled, or one whose doubling was cut short */
#define LOCK_TRIES 20          /* a millisecond apart: for what may as well be left undone */
#define LOCK_TRIES_MUST 10000  /* for what must be done */
#define USE_GRAIN_S 86400      /* how exactly the last use is known: reading should not mean writing */

/* One open file. */
typedef struct cache_file {
  int fd; /* -1: none */
  uint32_t dimension, buckets;
} cache_file;

struct rem_vector_cache {
  char *folder; /* owned: {P8_CACHE_DIR}/embeddings */
  char *path;   /* owned */
  uint64_t max_bytes;
  uint8_t identity[32];
  uint32_t dimension;
  pthread_mutex_t mutex; /* guards file */
  cache_file file;
  uint8_t *bucket; /* owned: room for one, under the mutex */
};

void rem_vector_cache_key(rem_role role, rem_slice text, uint8_t ret_key[REM_VECTOR_CACHE_KEY_SIZE]) {
  rem_blake3 hasher;
  uint8_t prefix = (uint8_t)role;
  rem_blake3_init(&hasher);
  rem_blake3_update(&hasher, &prefix, 1);
  rem_blake3_update(&hasher, text.data, text.size);
  rem_blake3_final(&hasher, ret_key, REM_VECTOR_CACHE_KEY_SIZE);
}

/* ------------------------------------------------------------------------------------------- */
/* Geometry                                                                                     */

static size_t vector_size(const cache_file *file) {
  return file->dimension * sizeof(float);
}

static size_t bucket_size(const cache_file *file) {
  return HEADS_SIZE + WAYS * vector_size(file);
}

static uint64_t file_size(const cache_file *file, uint32_t buckets) {
  return HEADER_SIZE + (uint64_t)buckets * bucket_size(file);
}

static uint32_t bucket_of(const cache_file *file, const uint8_t *key) {
  return rem_load_u32le(key) & (file->buckets - 1);
}

static off_t bucket_offset(const cache_file *file, uint32_t bucket) {
  return (off_t)file_size(file, bucket);
}

static off_t values_offset(const cache_file *file, uint32_t bucket, size_t way) {
  return bucket_offset(file, bucket) + HEADS_SIZE + (off_t)(way * vector_size(file));
}

static uint32_t checksum(const uint8_t *key, const void *values, size_t size) {
  return rem_crc32c(rem_crc32c(0, key, REM_VECTOR_CACHE_KEY_SIZE), values, size);
}

static bool is_free(const uint8_t *head) {
  static const uint8_t zeros[HEAD_SIZE];
  return memcmp(head, zeros, HEAD_SIZE) == 0;
}

static bool read_at(int fd, void *data, size_t size, off_t offset) {
  return pread(fd, data, size, offset) == (ssize_t)size;
}

static bool write_at(int fd, const void *data, size_t size, off_t offset) {
  return pwrite(fd, data, size, offset) == (ssize_t)size;
}

/* ------------------------------------------------------------------------------------------- */
/* Header                                                                                       */

static bool write_header(int fd, const uint8_t identity[32], uint32_t dimension, uint32_t buckets) {
  uint8_t header[HEADER_SIZE] = MAGIC;
  rem_store_u32le(header + 8, dimension);
  rem_store_u32le(header + 12, buckets);
  memcpy(header + 16, identity, 32);
  rem_store_u32le(header + 60, rem_crc32c(0, header, 60));
  return write_at(fd, header, sizeof header, 0);
}

/* False when it is no file of this kind. `identity` NULL: any. */
static bool read_header(cache_file *file, const uint8_t *identity) {
  uint8_t header[HEADER_SIZE];
  if (!read_at(file->fd, header, sizeof header, 0) || memcmp(header, MAGIC, sizeof MAGIC) != 0 ||
      rem_load_u32le(header + 60) != rem_crc32c(0, header, 60))
    return false;
  file->dimension = rem_load_u32le(header + 8);
  file->buckets = rem_load_u32le(header + 12);
  bool sane = file->dimension && file->dimension <= DIMENSION_MAX && file->buckets && file->buckets <= BUCKETS_MAX &&
              (file->buckets & (file->buckets - 1)) == 0;
  return sane && (!identity || memcmp(header + 16, identity, 32) == 0);
}

static void close_file(cache_file *file) {
  if (file->fd >= 0)
    close(file->fd);
  *file = (cache_file){.fd = -1};
}

/* Is the open file still the one of that name? */
static bool is_current(const cache_file *file, const char *path) {
  struct stat open_one, named;
  return fstat(file->fd, &open_one) == 0 && stat(path, &named) == 0 && open_one.st_ino == named.st_ino &&
         open_one.st_dev == named.st_dev;
}

/* Opens `path` and locks it; false when it cannot be had. With `create` it is made when it is not there. The header is not looked at. */
static bool open_locked(cache_file *file, const char *path, bool create, int tries) {
  for (; tries > 0; tries--) {
    if (file->fd < 0)
      file->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
    if (file->fd < 0)
      return false;
    if (flock(file->fd, LOCK_EX | LOCK_NB) == 0) {
      if (is_current(file, path))
        return true;
      close_file(file); /* it has been doubled or removed meanwhile */
      continue;
    }
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  return false;
}

static void unlock(const cache_file *file) {
  if (file->fd >= 0)
    flock(file->fd, LOCK_UN);
}

/* ------------------------------------------------------------------------------------------- */
/* Bounds                                                                                       */

static bool ends_with(const char *name, const char *suffix) {
  size_t size = strlen(name), suffix_size = strlen(suffix);
  return size > suffix_size && strcmp(name + size - suffix_size, suffix) == 0;
}

/* The sizes of all models' files together, and the one that has gone longest without a write, other than `own`; empty when there is none. */
static uint64_t measure_folder(const rem_vector_cache *cache, char *ret_oldest, size_t capacity) {
  uint64_t total = 0;
  time_t oldest = 0;
  DIR *folder = opendir(cache->folder);
  struct dirent *entry;
  ret_oldest[0] = 0;
  while (folder && (entry = readdir(folder))) {
    char path[4096];
    struct stat info;
    if ((!ends_with(entry->d_name, SUFFIX) && !ends_with(entry->d_name, SUFFIX NEW_SUFFIX)) ||
        (size_t)snprintf(path, sizeof path, "%s/%s", cache->folder, entry->d_name) >= sizeof path || lstat(path, &info) != 0)
      continue;
    total += (uint64_t)info.st_size;
    bool older = strcmp(path, cache->path) != 0 && (ret_oldest[0] == 0 || info.st_mtime < oldest);
    if (older && (size_t)snprintf(ret_oldest, capacity, "%s", path) < capacity)
      oldest = info.st_mtime;
  }
  if (folder)
    closedir(folder);
  return total;
}

/* Room for `bytes` more? Other models' files go for it when `drop_others`. */
static bool make_room(const rem_vector_cache *cache, uint64_t bytes, bool drop_others) {
  char oldest[4096];
  for (;;) {
    uint64_t total = measure_folder(cache, oldest, sizeof oldest);
    if (total + bytes <= cache->max_bytes)
      return true;
    if (!drop_others || oldest[0] == 0 || unlink(oldest) != 0)
      return false;
  }
}

/* ------------------------------------------------------------------------------------------- */
/* Life                                                                                         */

static rem_status fill(rem_vector_cache *cache, const char *folder, rem_error *err) {
  char name[64];
  size_t at = 0;
  for (size_t i = 0; i < 8; i++)
    at += (size_t)snprintf(name + at, sizeof name - at, "%02x", cache->identity[i]);
  snprintf(name + at, sizeof name - at, "%s", SUFFIX);
  cache->folder = rem_path_join(folder, FOLDER);
  cache->path = cache->folder ? rem_path_join(cache->folder, name) : NULL;
  const cache_file shape = {.dimension = cache->dimension};
  cache->bucket = rem_alloc(bucket_size(&shape));
  return cache->path && cache->bucket ? REM_OK : rem_error_nomem(err);
}

rem_status rem_vector_cache_open(const char *folder, uint64_t max_bytes, const uint8_t identity[32], uint32_t dimension,
                                 rem_vector_cache **ret_cache, rem_error *err) {
  rem_vector_cache *cache = rem_calloc(1, sizeof *cache);
  if (!cache)
    return rem_error_nomem(err);
  cache->max_bytes = max_bytes;
  cache->dimension = dimension;
  cache->file.fd = -1;
  memcpy(cache->identity, identity, sizeof cache->identity);
  pthread_mutex_init(&cache->mutex, NULL);
  rem_status status = fill(cache, folder, err);
  if (status < 0) {
    rem_vector_cache_close(cache);
    return status;
  }
  *ret_cache = cache;
  return REM_OK;
}

void rem_vector_cache_close(rem_vector_cache *cache) {
  if (!cache)
    return;
  close_file(&cache->file);
  pthread_mutex_destroy(&cache->mutex);
  rem_free(cache->folder);
  rem_free(cache->path);
  rem_free(cache->bucket);
  rem_free(cache);
}

/* ------------------------------------------------------------------------------------------- */
/* Reading                                                                                      */

/* The file to read from, opened when it is there. */
static bool ensure_readable(rem_vector_cache *cache) {
  if (cache->file.fd >= 0)
    return true;
  cache->file.fd = open(cache->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (cache->file.fd >= 0 && read_header(&cache->file, cache->identity) && cache->file.dimension == cache->dimension)
    return true;
  close_file(&cache->file);
  return false;
}

static void note_use(const cache_file *file, uint32_t bucket, size_t way, const uint8_t *head) {
  uint32_t now = (uint32_t)time(NULL);
  uint8_t stamp[4];
  rem_store_u32le(stamp, now);
  if (now - rem_load_u32le(head + 20) > USE_GRAIN_S)
    (void)write_at(file->fd, stamp, sizeof stamp, bucket_offset(file, bucket) + (off_t)(way * HEAD_SIZE) + 20);
}

/* The way that holds `key` among the heads of a bucket, or WAYS. */
static size_t find_way(const uint8_t *heads, const uint8_t *key) {
  size_t way = 0;
  while (way < WAYS && (is_free(heads + way * HEAD_SIZE) || memcmp(heads + way * HEAD_SIZE, key, REM_VECTOR_CACHE_KEY_SIZE) != 0))
    way++;
  return way;
}

static bool get_locked(rem_vector_cache *cache, const uint8_t *key, float *ret_values) {
  uint8_t heads[HEADS_SIZE];
  const cache_file *file = &cache->file;
  if (!ensure_readable(cache))
    return false;
  uint32_t bucket = bucket_of(file, key);
  if (!read_at(file->fd, heads, sizeof heads, bucket_offset(file, bucket)))
    return false;
  size_t way = find_way(heads, key);
  const uint8_t *head = heads + way * HEAD_SIZE;
  if (way == WAYS || !read_at(file->fd, ret_values, vector_size(file), values_offset(file, bucket, way)) ||
      rem_load_u32le(head + 16) != checksum(key, ret_values, vector_size(file)))
    return false;
  note_use(file, bucket, way, head);
  return true;
}

bool rem_vector_cache_get(rem_vector_cache *cache, const uint8_t *key, float *ret_values) {
  pthread_mutex_lock(&cache->mutex);
  bool found = get_locked(cache, key, ret_values);
  pthread_mutex_unlock(&cache->mutex);
  return found;
}

/* ------------------------------------------------------------------------------------------- */
/* Writing                                                                                      */

/* The open and locked file has no usable content: it begins anew. */
static bool begin_file(rem_vector_cache *cache) {
  cache_file *file = &cache->file;
  file->dimension = cache->dimension;
  file->buckets = FIRST_BUCKETS;
  if (ftruncate(file->fd, 0) != 0 || !make_room(cache, file_size(file, FIRST_BUCKETS), true))
    return false;
  return ftruncate(file->fd, (off_t)file_size(file, FIRST_BUCKETS)) == 0 &&
         write_header(file->fd, cache->identity, cache->dimension, FIRST_BUCKETS);
}

static bool has_full_size(const cache_file *file) {
  struct stat info;
  return fstat(file->fd, &info) == 0 && (uint64_t)info.st_size == file_size(file, file->buckets);
}

static bool ensure_writable(rem_vector_cache *cache) {
  cache_file *file = &cache->file;
  if (file->fd < 0 && rem_file_make_folders(cache->folder, 0700, NULL) < 0)
    return false;
  if (!open_locked(file, cache->path, true, LOCK_TRIES))
    return false;
  bool usable = read_header(file, cache->identity) && file->dimension == cache->dimension && has_full_size(file) &&
                file_size(file, file->buckets) <= cache->max_bytes;
  return usable || begin_file(cache);
}

/* Deals a bucket's entries out to its two successors: bit `buckets` of the key says which. */
static bool split_bucket(const cache_file *old, const cache_file *new, uint32_t bucket, uint8_t *content) {
  if (!read_at(old->fd, content, bucket_size(old), bucket_offset(old, bucket)))
    return false;
  size_t used[2] = {0};
  for (size_t way = 0; way < WAYS; way++) {
    const uint8_t *head = content + way * HEAD_SIZE;
    const uint8_t *values = content + HEADS_SIZE + way * vector_size(old);
    if (is_free(head))
      continue;
    uint32_t to = bucket_of(new, head);
    size_t free_way = used[to != bucket]++;
    if (!write_at(new->fd, head, HEAD_SIZE, bucket_offset(new, to) + (off_t)(free_way * HEAD_SIZE)) ||
        !write_at(new->fd, values, vector_size(new), values_offset(new, to, free_way)))
      return false;
  }
  return true;
}

static bool copy_doubled(rem_vector_cache *cache, const cache_file *new) {
  const cache_file *old = &cache->file;
  if (ftruncate(new->fd, (off_t)file_size(new, new->buckets)) != 0 ||
      !write_header(new->fd, cache->identity, cache->dimension, new->buckets))
    return false;
  for (uint32_t bucket = 0; bucket < old->buckets; bucket++)
    if (!split_bucket(old, new, bucket, cache->bucket))
      return false;
  return true;
}

/* Doubles the locked file; false when it may not grow, and it stays as it is. The new one is locked before it has the name. */
static bool double_file(rem_vector_cache *cache) {
  char path[4096];
  cache_file new = {.fd = -1, .dimension = cache->dimension, .buckets = cache->file.buckets * 2};
  if (new.buckets > BUCKETS_MAX || (size_t)snprintf(path, sizeof path, "%s" NEW_SUFFIX, cache->path) >= sizeof path)
    return false;
  unlink(path); /* of a doubling that was cut short: only who has the lock makes one */
  if (!make_room(cache, file_size(&new, new.buckets), false))
    return false;
  new.fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_CREAT | O_TRUNC, 0600);
  bool done = new.fd >= 0 && flock(new.fd, LOCK_EX | LOCK_NB) == 0 && copy_doubled(cache, &new) &&
              rename(path, cache->path) == 0;
  if (!done) {
    close_file(&new);
    unlink(path);
    return false;
  }
  close_file(&cache->file);
  cache->file = new;
  return true;
}

/* A free way, else the one used longest ago. */
static size_t oldest_way(const uint8_t *heads, bool *ret_free) {
  size_t oldest = 0;
  *ret_free = false;
  for (size_t way = 0; way < WAYS; way++) {
    const uint8_t *head = heads + way * HEAD_SIZE;
    *ret_free = is_free(head);
    if (*ret_free)
      return way;
    if (rem_load_u32le(head + 20) < rem_load_u32le(heads + oldest * HEAD_SIZE + 20))
      oldest = way;
  }
  return oldest;
}

static void make_head(const uint8_t *key, const float *values, size_t size, uint8_t head[HEAD_SIZE]) {
  memset(head, 0, HEAD_SIZE);
  memcpy(head, key, REM_VECTOR_CACHE_KEY_SIZE);
  rem_store_u32le(head + 16, checksum(key, values, size));
  rem_store_u32le(head + 20, (uint32_t)time(NULL));
}

static bool put_one(rem_vector_cache *cache, const uint8_t *key, const float *values) {
  uint8_t heads[HEADS_SIZE], head[HEAD_SIZE];
  for (;;) {
    const cache_file *file = &cache->file;
    uint32_t bucket = bucket_of(file, key);
    bool free_one = false;
    if (!read_at(file->fd, heads, sizeof heads, bucket_offset(file, bucket)))
      return false;
    size_t way = find_way(heads, key);
    if (way == WAYS)
      way = oldest_way(heads, &free_one);
    else
      free_one = true;
    if (!free_one && double_file(cache))
      continue;
    make_head(key, values, vector_size(file), head);
    return write_at(file->fd, values, vector_size(file), values_offset(file, bucket, way)) &&
           write_at(file->fd, head, sizeof head, bucket_offset(file, bucket) + (off_t)(way * HEAD_SIZE));
  }
}

void rem_vector_cache_put(rem_vector_cache *cache, const uint8_t *keys, const float *const *values, size_t count) {
  pthread_mutex_lock(&cache->mutex);
  bool usable = ensure_writable(cache);
  for (size_t i = 0; i < count && usable; i++)
    usable = put_one(cache, keys + i * REM_VECTOR_CACHE_KEY_SIZE, values[i]);
  if (usable)
    unlock(&cache->file);
  else
    close_file(&cache->file); /* to be opened afresh by the next */
  pthread_mutex_unlock(&cache->mutex);
}

/* ------------------------------------------------------------------------------------------- */
/* Forgetting                                                                                   */

/* Overwrites head and vector. */
static bool forget_one(const cache_file *file, const uint8_t *key, const uint8_t *zeros) {
  uint8_t heads[HEADS_SIZE];
  uint32_t bucket = bucket_of(file, key);
  if (!read_at(file->fd, heads, sizeof heads, bucket_offset(file, bucket)))
    return false;
  size_t way = find_way(heads, key);
  return way == WAYS || (write_at(file->fd, zeros, HEAD_SIZE, bucket_offset(file, bucket) + (off_t)(way * HEAD_SIZE)) &&
                         write_at(file->fd, zeros, vector_size(file), values_offset(file, bucket, way)));
}

static rem_status forget_in(const char *path, const uint8_t *keys, size_t count, rem_error *err) {
  cache_file file = {.fd = -1};
  if (!open_locked(&file, path, false, LOCK_TRIES_MUST)) {
    bool gone = errno == ENOENT;
    close_file(&file);
    return gone ? REM_OK : rem_error_errno(err, errno, "cannot take vectors out of the cache", path);
  }
  bool done = true;
  int number = 0;
  if (read_header(&file, NULL)) {
    uint8_t *zeros REM_AUTO_FREE = rem_calloc(1, vector_size(&file) + HEAD_SIZE);
    for (size_t i = 0; i < count && zeros && done; i++)
      done = forget_one(&file, keys + i * REM_VECTOR_CACHE_KEY_SIZE, zeros);
    number = zeros ? errno : ENOMEM;
    done = done && zeros && fdatasync(file.fd) == 0;
  }
  close_file(&file);
  return done ? REM_OK : rem_error_errno(err, number ? number : EIO, "cannot take vectors out of the cache", path);
}

rem_status rem_vector_cache_forget(const char *folder, const uint8_t *keys, size_t count, rem_error *err) {
  char *path REM_AUTO_FREE = rem_path_join(folder, FOLDER);
  if (!path)
    return rem_error_nomem(err);
  DIR *open_folder = count ? opendir(path) : NULL;
  rem_status status = REM_OK;
  struct dirent *entry;
  while (open_folder && status >= 0 && (entry = readdir(open_folder))) {
    bool half_made = ends_with(entry->d_name, SUFFIX NEW_SUFFIX);
    if (!half_made && !ends_with(entry->d_name, SUFFIX))
      continue;
    char *file REM_AUTO_FREE = rem_path_join(path, entry->d_name);
    if (!file)
      status = rem_error_nomem(err);
    else if (half_made)
      unlink(file); /* whoever is at it keeps the file it has */
    else
      status = forget_in(file, keys, count, err);
  }
  if (open_folder)
    closedir(open_folder);
  return status;
}
