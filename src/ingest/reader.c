/* SPDX-License-Identifier: Apache-2.0 */
/* The table of formats, and loading. */
#include "ingest/reader.h"

#include <ctype.h>

#include "base/file.h"
#include "base/sha256.h"
#include "ingest/decode.h"
#include "ingest/reader_internal.h"

/* md4c parses a document of this size in about a second; hostile nesting costs more, hence a lower bound than for text. */
#define MARKDOWN_MAX_BYTES (32u << 20)

static const rem_reader_format formats[] = {
    {"markdown", ".md .markdown .mdx .mdown .mkd ", MARKDOWN_MAX_BYTES, rem_reader__markdown},
    {"text", ".txt .text .rst .adoc .asciidoc .org .tex .srt .vtt .eml ", REM_READER_MAX_BYTES, rem_reader__text},
    {"csv", ".csv .tsv ", REM_READER_MAX_BYTES, rem_reader__csv},
    {"log", ".log .out .err ", REM_READER_MAX_BYTES, rem_reader__code},
    {"json", ".json .jsonl .ndjson .geojson .ipynb ", REM_READER_MAX_BYTES, rem_reader__code},
    {"config", ".yaml .yml .toml .ini .cfg .conf .properties .env .service ", REM_READER_MAX_BYTES, rem_reader__code},
    {"code",
     ".c .h .cc .cpp .cxx .hpp .hh .py .pyi .js .mjs .cjs .ts .tsx .jsx .go .rs .java .kt .kts .scala .swift .rb .php .pl .pm "
     ".sh .bash .zsh .fish .sql .r .jl .lua .cs .fs .vb .hs .ml .mli .ex .exs .erl .clj .el .lisp .scm .zig .nim .d .dart .m "
     ".mm .f90 .asm .s .proto .graphql .cmake .mk .gradle .tf .css .scss .less .vue .svelte .patch .diff .bat .ps1 ",
     REM_READER_MAX_BYTES, rem_reader__code},
};
#define FORMAT_COUNT (sizeof formats / sizeof *formats)

/* Formats of documents that have text and are not read; and files that have none. */
static const struct {
  const char *name;
  const char *extensions;
} others[] = {
    {"pdf", ".pdf "},
    {"html", ".html .htm .xhtml "},
    {"word", ".docx .doc .odt .rtf "},
    {"presentation", ".pptx .ppt .odp "},
    {"spreadsheet", ".xlsx .xls .ods "},
    {"ebook", ".epub .mobi "},
    {"xml", ".xml "},
    {"binary", ".png .jpg .jpeg .gif .webp .bmp .tif .tiff .ico .svg .heic .psd .mp3 .wav .flac .ogg .m4a .mp4 .mkv .mov .avi "
               ".webm .zip .gz .tgz .bz2 .xz .zst .lz4 .7z .rar .tar .jar .war .whl .deb .rpm .iso .dmg .exe .dll .so .dylib "
               ".a .o .obj .lib .class .pyc .pyo .wasm .bin .dat .db .sqlite .sqlite3 .parquet .arrow .npy .npz .pkl .pt "
               ".onnx .safetensors .gguf .ttf .otf .woff .woff2 .eot .sst .lock .map "},
};
#define OTHER_COUNT (sizeof others / sizeof *others)

#define EXTENSION_SIZE 16

/* The extension in lower case with a space behind it, as the tables hold it; empty when there is none. */
static void extension_of(const char *path, char ret_extension[EXTENSION_SIZE]) {
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  const char *dot = strrchr(name, '.');
  size_t size = dot && dot != name ? strlen(dot) : 0;
  ret_extension[0] = 0;
  if (size < 2 || size > EXTENSION_SIZE - 2)
    return;
  for (size_t i = 0; i < size; i++)
    ret_extension[i] = (char)tolower((unsigned char)dot[i]);
  ret_extension[size] = ' ';
  ret_extension[size + 1] = 0;
}

static const rem_reader_format *format_of_extension(const char *extension) {
  for (size_t i = 0; *extension && i < FORMAT_COUNT; i++) {
    if (strstr(formats[i].extensions, extension))
      return &formats[i];
  }
  return NULL;
}

static const rem_reader_format *format_of_name(const char *name) {
  for (size_t i = 0; i < FORMAT_COUNT; i++) {
    if (strcmp(formats[i].name, name) == 0)
      return &formats[i];
  }
  return NULL;
}

const char *rem_reader_type_of(const char *path) {
  char extension[EXTENSION_SIZE];
  extension_of(path, extension);
  const rem_reader_format *format = format_of_extension(extension);
  if (format)
    return format->name;
  for (size_t i = 0; *extension && i < OTHER_COUNT; i++) {
    if (strstr(others[i].extensions, extension))
      return others[i].name;
  }
  return "unknown";
}

bool rem_reader_may_read(const char *path) {
  return strcmp(rem_reader_type_of(path), "binary") != 0;
}

static rem_status hash(rem_source *source, rem_error *err) {
  rem_sha256 *hasher = NULL;
  REM_TRY(rem_sha256_new(&hasher, err));
  rem_status status = rem_sha256_update(hasher, source->content.data, source->content.size, err);
  if (status == REM_OK)
    status = rem_sha256_final(hasher, source->sha256, err);
  rem_sha256_free(hasher);
  return status;
}

rem_status rem_source_load(const char *path, rem_source *ret_source, rem_error *err) {
  *ret_source = (rem_source){.file_type = rem_reader_type_of(path)};
  rem_status status = rem_file_read(path, REM_READER_MAX_BYTES, &ret_source->content, err);
  if (status == REM_LIMIT)
    rem_error_hint(err, "split the file; at most %u MiB are read", REM_READER_MAX_BYTES >> 20);
  if (status < 0)
    return status;
  ret_source->size_bytes = (int64_t)ret_source->content.size;
  if (strcmp(ret_source->file_type, "unknown") == 0 &&
      rem_decode_is_text(ret_source->content.data, ret_source->content.size))
    ret_source->file_type = "text";
  status = hash(ret_source, err);
  if (status < 0)
    rem_bytes_free(&ret_source->content);
  return status;
}

void rem_source_deinit(rem_source *source) {
  if (source)
    rem_bytes_free(&source->content);
}

static rem_status unsupported(const char *type, rem_error *err) {
  if (strcmp(type, "binary") == 0 || strcmp(type, "unknown") == 0) {
    rem_error_set(err, REM_UNSUPPORTED, "the file is not text, and its format is not known");
    rem_error_hint(err, "Markdown and text files can be ingested");
    return REM_UNSUPPORTED;
  }
  rem_error_set(err, REM_UNSUPPORTED, "%s files cannot be read yet", type);
  rem_error_hint(err, "convert it to Markdown or text first (for a PDF: pdftotext FILE FILE.txt)");
  return REM_UNSUPPORTED;
}

static rem_status check_size(const rem_reader_format *format, size_t size, rem_error *err) {
  if (size <= format->max_bytes)
    return REM_OK;
  rem_error_set(err, REM_LIMIT, "the file has %zu bytes; at most %zu can be read as %s", size, format->max_bytes,
                format->name);
  rem_error_hint(err, "split the file");
  return REM_LIMIT;
}

/* Runs the format over the document's text; on failure the document is emptied. */
static rem_status parse(const rem_reader_format *format, rem_text_document *document, rem_error *err) {
  rem_status status = format->read(document, err);
  if (status < 0)
    rem_text_document_deinit(document);
  return status;
}

rem_status rem_reader_read(rem_source *source, rem_text_document *ret_document, rem_error *err) {
  const rem_reader_format *format = format_of_name(source->file_type);
  if (!format)
    return unsupported(source->file_type, err);
  REM_TRY(check_size(format, source->content.size, err));
  rem_text_document document = {0};
  REM_TRY(rem_decode_text(source->content.data, source->content.size, &document.text, &document.text_size, err));
  rem_bytes_free(&source->content);
  REM_TRY(parse(format, &document, err));
  *ret_document = document;
  return REM_OK;
}

rem_status rem_reader_read_text(const char *format_name, const void *content, size_t size,
                                rem_text_document *ret_document, rem_error *err) {
  const rem_reader_format *format = format_of_name(format_name);
  if (!format)
    return rem_error_set(err, REM_UNKNOWN, "no reader is called '%s'", format_name);
  REM_TRY(check_size(format, size, err));
  rem_text_document document = {0};
  REM_TRY(rem_decode_text(content, size, &document.text, &document.text_size, err));
  REM_TRY(parse(format, &document, err));
  *ret_document = document;
  return REM_OK;
}
