/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RocksDB options, for the database and for each family.
 *
 * atomic_flush is on: without it a failed synced write followed by a crash could leave a batch applied in one family and not in
 * another. Blob files are off: a read-only handle of 7.8 answers "not found" for their values. The log is bounded because every cold open
 * replays it.
 */
#include "storage/kv_internal.h"

enum { LZ4 = rocksdb_lz4_compression, ZSTD = rocksdb_zstd_compression, PLAIN = rocksdb_no_compression };

#define BLOCK_BYTES ((size_t)16 << 10)
#define BLOOM_BITS 10 /* about 1 % false positives */
#define MEMORY_BLOOM_RATIO 0.005 /* of the write buffer: 320 KiB of 64 MiB, enough for 250,000 rows */
#define LOG_BYTES ((uint64_t)16 << 20)
#define TABLE_FILE_BYTES ((uint64_t)64 << 20)
/*
 * RocksDB's info log is silent: NUM_INFO_LOG_LEVELS, above every level. Not for the noise: when a write to it fails (disk full), the
 * next line aborts the process (an assertion of its file writer), so there may be no lines. For the same reason it must not roll by size: a
 * rolling log repeats its headers whatever the level. A side effect: the OPTIONS file, which cannot say such a level, is not kept.
 * Nothing reads it.
 */
#define INFO_LOG_SILENT 6

/*
 * A commit or two left in the log by the last process stay there until there are enough of them: writing them out as table files at
 * each open would cost several synced files a family, and soon a compaction.
 */
#define NAMED_OPTIONS "avoid_flush_during_recovery=true"

typedef struct family_profile {
  const char *name;
  bool bloom;       /* read by point */
  bool compressed;
  bool memory_bloom; /* also in the write buffer: an insert asks for what is mostly not there */
  bool growing;      /* keys only grow: files need not be merged, only moved down, which takes the same compression on all levels */
} family_profile;

static const family_profile profiles[REM_CF_COUNT] = {
    [REM_CF_META] = {"meta", .bloom = true, .compressed = true},
    [REM_CF_ENTITIES] = {"entities", .bloom = true, .compressed = true, .memory_bloom = true},
    [REM_CF_LARGE] = {"large", .bloom = true, .compressed = true},
    [REM_CF_VECTORS] = {"vectors", .bloom = true}, /* float noise does not compress, and exact scans read them in order */
    [REM_CF_VECTOR_LOG] = {"vector_log", .compressed = true, .growing = true},
    [REM_CF_KEY_INDEX] = {"key_index", .bloom = true, .compressed = true},
    [REM_CF_FIELD_INDEX] = {"field_index", .compressed = true},
    [REM_CF_TRIGRAMS] = {"trigrams", .bloom = true, .compressed = true},
    [REM_CF_FULLTEXT] = {"fulltext", .bloom = true, .compressed = true},
    [REM_CF_EDGES] = {"edges", .compressed = true},
    [REM_CF_EDGES_REVERSE] = {"edges_reverse", .compressed = true},
    [REM_CF_WAL] = {"wal", .compressed = true, .growing = true},
};

const char *rem_kv_family_name(rem_kv_family family) {
  return (unsigned)family < REM_CF_COUNT ? profiles[family].name : "unknown";
}

void rem_kv_options_init(rem_kv_options *options) {
  *options = (rem_kv_options){
      .mode = REM_KV_READ,
      .cache_bytes = (size_t)32 << 20,
      .write_buffer_bytes = (size_t)64 << 20,
      .max_open_files = 1000,
      .manifest_bytes = (size_t)256 << 10,
      .open_wait_ms = 60000,
  };
}

static void set_table_format(rocksdb_options_t *target, rocksdb_cache_t *cache, bool bloom) {
  rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
  rocksdb_block_based_options_set_block_cache(table, cache);
  rocksdb_block_based_options_set_block_size(table, BLOCK_BYTES);
  rocksdb_block_based_options_set_format_version(table, 5);
  if (bloom)
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS));
  rocksdb_options_set_block_based_table_factory(target, table);
  rocksdb_block_based_options_destroy(table);
}

static void set_reader(rocksdb_options_t *o) {
  /* Every file is opened at once, so that none can vanish later. */
  rocksdb_options_set_max_open_files(o, -1);
  rocksdb_options_set_skip_checking_sst_file_sizes_on_db_open(o, 1);
}

static void set_writer(rocksdb_options_t *o, const rem_kv_options *options) {
  rocksdb_options_set_create_if_missing(o, options->mode == REM_KV_CREATE);
  rocksdb_options_set_create_missing_column_families(o, options->mode == REM_KV_CREATE);
  rocksdb_options_set_max_open_files(o, options->max_open_files);
  rocksdb_options_set_max_manifest_file_size(o, options->manifest_bytes);
  rocksdb_options_set_keep_log_file_num(o, 1);
  rocksdb_options_set_max_total_wal_size(o, LOG_BYTES);
  rocksdb_options_set_db_write_buffer_size(o, options->write_buffer_bytes);
  rocksdb_options_set_max_background_jobs(o, 2);
  rocksdb_options_set_bytes_per_sync(o, (uint64_t)1 << 20);
}

static void set_database(rocksdb_options_t *o, const rem_kv_options *options) {
  rocksdb_options_set_atomic_flush(o, 1);
  rocksdb_options_set_info_log_level(o, INFO_LOG_SILENT);
  rocksdb_options_set_max_file_opening_threads(o, 1);
  rocksdb_options_set_skip_stats_update_on_db_open(o, 1);
  rocksdb_options_set_stats_dump_period_sec(o, 0);
  rocksdb_options_set_stats_persist_period_sec(o, 0);
  rocksdb_options_set_write_buffer_size(o, options->write_buffer_bytes);
  rocksdb_options_set_level_compaction_dynamic_level_bytes(o, 1);
  rocksdb_options_set_target_file_size_base(o, TABLE_FILE_BYTES);
  rocksdb_options_set_max_bytes_for_level_base(o, 4 * TABLE_FILE_BYTES);
  if (options->mode == REM_KV_READ)
    set_reader(o);
  else
    set_writer(o, options);
}

static rocksdb_options_t *family_options(const rem_kv__setup *setup, const family_profile *profile, bool writer) {
  rocksdb_options_t *o = rocksdb_options_create_copy(setup->database);
  set_table_format(o, setup->cache, profile->bloom);
  rocksdb_options_set_compression(o, profile->compressed ? LZ4 : PLAIN);
  rocksdb_options_set_bottommost_compression(o, !profile->compressed ? PLAIN : profile->growing ? LZ4 : ZSTD);
  if (writer && profile->memory_bloom) {
    rocksdb_options_set_memtable_prefix_bloom_size_ratio(o, MEMORY_BLOOM_RATIO);
    rocksdb_options_set_memtable_whole_key_filtering(o, 1);
  }
  return o;
}

/* Options that the C API has no setter for. */
static rem_status set_by_name(rocksdb_options_t *target, const char *text, rem_error *err) {
  char *message = NULL;
  rocksdb_options_t *base = rocksdb_options_create_copy(target);
  rocksdb_get_options_from_string(base, text, target, &message);
  rocksdb_options_destroy(base);
  return message ? rem_kv__error(message, "set the options of the database", err) : REM_OK;
}

rem_status rem_kv__setup_init(rem_kv__setup *setup, const rem_kv_options *options, rem_error *err) {
  *setup = (rem_kv__setup){.database = rocksdb_options_create(), .cache = rocksdb_cache_create_lru(options->cache_bytes)};
  if (!setup->database || !setup->cache) {
    rem_kv__setup_deinit(setup);
    return rem_error_nomem(err);
  }
  set_database(setup->database, options);
  bool writer = options->mode != REM_KV_READ;
  rem_status status = set_by_name(setup->database, NAMED_OPTIONS, err);
  if (status < 0) {
    rem_kv__setup_deinit(setup);
    return status;
  }
  set_table_format(setup->database, setup->cache, false);
  for (int f = 0; f < REM_CF_COUNT; f++)
    setup->families[f] = family_options(setup, &profiles[f], writer);
  return REM_OK;
}

void rem_kv__setup_deinit(rem_kv__setup *setup) {
  for (int f = 0; f < REM_CF_COUNT; f++)
    if (setup->families[f])
      rocksdb_options_destroy(setup->families[f]);
  if (setup->database)
    rocksdb_options_destroy(setup->database);
  if (setup->cache)
    rocksdb_cache_destroy(setup->cache);
  *setup = (rem_kv__setup){0};
}
