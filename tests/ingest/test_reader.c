/* SPDX-License-Identifier: Apache-2.0 */
/* Formats: what a file becomes, block by block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "ingest/reader.h"

static const char *const kind_names[] = {"heading", "paragraph", "quote", "item", "code", "table"};

/* Blocks as "kind:text", one a line ("¶" for a newline inside); headings with level and parent. */
static char *render(const rem_text_document *document) {
  static rem_buffer out;
  rem_buffer_reset(&out);
  for (size_t i = 0; i < document->block_count; i++) {
    const rem_block *block = &document->blocks[i];
    rem_buffer_append_text(&out, kind_names[block->kind]);
    if (block->kind == REM_BLOCK_HEADING)
      rem_buffer_append_format(&out, "%d", block->level);
    rem_buffer_append_format(&out, "(%d):", block->heading);
    for (size_t at = 0; at < block->text_size; at++) {
      if (block->text[at] == '\n')
        rem_buffer_append_text(&out, "¶");
      else
        rem_buffer_append_byte(&out, (uint8_t)block->text[at]);
    }
    rem_buffer_append_byte(&out, '\n');
  }
  rem_buffer_append_byte(&out, 0);
  return (char *)out.data;
}

static void reads(const char *format, const char *text, const char *expected) {
  rem_text_document document = {0};
  rem_error err = {0};
  assert_int_equal(rem_reader_read_text(format, text, strlen(text), &document, &err), REM_OK);
  assert_string_equal(render(&document), expected);
  /* Every span names source bytes that are the block's text. */
  for (size_t i = 0; i < document.block_count; i++) {
    const rem_block *block = &document.blocks[i];
    for (size_t s = 0; s < block->span_count; s++) {
      rem_text_span span = block->spans[s];
      assert_true(span.source_offset + span.size <= document.text_size);
      if (span.size && span.text_offset + span.size <= block->text_size && strcmp(format, "markdown") != 0)
        assert_memory_equal(block->text + span.text_offset, document.text + span.source_offset, span.size);
    }
  }
  rem_text_document_deinit(&document);
}

static void text_is_paragraphs_between_blank_lines(void **state) {
  (void)state;
  reads("text", "", "");
  reads("text", " \n\t\n", "");
  reads("text", "one\ntwo\n\n  \nthree", "paragraph(-1):one¶two\nparagraph(-1):three\n");
  reads("text", "one\r\ntwo\r\n\r\nthree\r\n", "paragraph(-1):one¶two\nparagraph(-1):three\n");
  reads("text", "old\rmac\r\rend", "paragraph(-1):old¶mac\nparagraph(-1):end\n");
  reads("code", "def f():\n    return 1\n\n\nx = 2\n", "code(-1):def f():¶    return 1\ncode(-1):x = 2\n");
}

static void csv_is_one_table_with_a_header(void **state) {
  (void)state;
  const char *csv = "\nname,role\nAda,\"x\n\ny\"\n";
  rem_text_document document = {0};
  rem_error err = {0};
  assert_int_equal(rem_reader_read_text("csv", csv, strlen(csv), &document, &err), REM_OK);
  assert_int_equal(document.block_count, 1);
  assert_int_equal(document.blocks[0].kind, REM_BLOCK_TABLE);
  assert_int_equal(document.blocks[0].header_size, strlen("name,role\n"));
  rem_text_document_deinit(&document);
}

static void markdown_has_headings_paragraphs_and_lists(void **state) {
  (void)state;
  reads("markdown",
        "# Guide\n\nHello *big* **world**,\nnext `line`.\n\n## Install\n\n- one\n- two\n  - deep\n- [x] done\n- [ ] open\n\n"
        "3. three\n4. four\n\n> quoted\n> text\n",
        "heading1(-1):Guide\n"
        "paragraph(0):Hello big world, next line.\n"
        "heading2(0):Install\n"
        "item(2):- one\nitem(2):- two\nitem(2):  - deep\nitem(2):- [x] done\nitem(2):- [ ] open\n"
        "item(2):3. three\nitem(2):4. four\n"
        "quote(2):quoted text\n");
}

static void heading_levels_nest(void **state) {
  (void)state;
  reads("markdown", "# A\n### B\n## C\n# D\n",
        "heading1(-1):A\nheading3(0):B\nheading2(0):C\nheading1(-1):D\n");
  reads("markdown", "Title\n=====\n\nSub\n---\n", "heading1(-1):Title\nheading2(0):Sub\n");
  reads("markdown", "> # in a quote\n", "quote(-1):in a quote\n");
}

static void markdown_code_and_tables_keep_their_lines(void **state) {
  (void)state;
  reads("markdown", "```sh\nmake all\n  indented\n```\n\n| a | b |\n|---|---|\n| 1 | `2` |\n| 3 | |\n",
        "code(-1):make all¶  indented\ntable(-1):a | b¶1 | 2¶3 |\n");
  reads("markdown", "- item\n\n  ```\n  code\n  ```\n\n  more\n", "item(-1):- item\ncode(-1):code\nitem(-1):more\n");
}

static void links_keep_targets_that_tell_something(void **state) {
  (void)state;
  reads("markdown", "[docs](https://x.org/a \"The docs\") [same](#here) <https://x.org> https://y.org me@x.org\n",
        "paragraph(-1):docs (https://x.org/a, The docs) same https://x.org https://y.org me@x.org\n");
  reads("markdown", "![alt text](picture.png) [![b](i.svg)](https://ci.org)\n", "paragraph(-1):alt text b (https://ci.org)\n");
  reads("markdown", "# [v1](https://x.org/compare)\n", "heading1(-1):v1\n");
  reads("markdown", "[x](data:image/png;base64,AAAA)\n", "paragraph(-1):x\n");
  reads("markdown", "~~gone~~ a\\*b &amp; &copy; &#8212; &unknown;\n", "paragraph(-1):gone a*b & © — &unknown;\n");
}

static void html_in_markdown_is_reduced_to_its_text(void **state) {
  (void)state;
  reads("markdown", "<div align=\"center\">\n  <h1>Name</h1> a &lt; b<br>c\n</div>\n\ntext <b>bold</b><br/>end\n",
        "paragraph(-1):Name¶ a < b¶c\nparagraph(-1):text bold end\n");
  reads("markdown", "<!-- hidden -->\n\n<script>\nvar x = '<p>';\n</script>\n\nshown\n", "paragraph(-1):shown\n");
  reads("markdown", "<div>\n1 < 2 and <unclosed\n", "paragraph(-1):1 < 2 and <unclosed\n");
}

static void front_matter_gives_title_and_metadata(void **state) {
  (void)state;
  const char *text = "---\ntitle: My Notes\ntags: [a, b]\ndescription: About things.\n---\n\n# First\n\ntext\n";
  rem_text_document document = {0};
  rem_error err = {0};
  assert_int_equal(rem_reader_read_text("markdown", text, strlen(text), &document, &err), REM_OK);
  assert_string_equal(render(&document), "heading0(-1):My Notes\nparagraph(0):About things.\nheading1(0):First\nparagraph(2):text\n");
  assert_int_equal(document.title_size, 8);
  assert_memory_equal(document.title, "My Notes", 8);
  assert_int_equal(json_array_size(json_object_get(document.metadata, "tags")), 2);
  rem_text_document_deinit(&document);
}

static void a_title_that_the_first_heading_repeats_is_said_once(void **state) {
  (void)state;
  reads("markdown", "---\ntitle: Same\n---\n# Same\n\ntext\n\n## B\n\nc\n",
        "heading0(-1):Same\nparagraph(0):text\nheading2(0):B\nparagraph(2):c\n");
  reads("markdown", "+++\ntitle = \"Toml\"\n+++\ntext\n", "heading0(-1):Toml\nparagraph(0):text\n");
}

static void what_only_looks_like_front_matter_is_text(void **state) {
  (void)state;
  reads("markdown", "---\nnot: [closed\n---\n", "heading2(-1):not: [closed\n");
  reads("markdown", "---\nno end\n", "paragraph(-1):no end\n");
}

static void the_name_chooses_the_format(void **state) {
  (void)state;
  assert_string_equal(rem_reader_type_of("/a/b.MD"), "markdown");
  assert_string_equal(rem_reader_type_of("notes.markdown"), "markdown");
  assert_string_equal(rem_reader_type_of("x.txt"), "text");
  assert_string_equal(rem_reader_type_of("x.tar.gz"), "binary");
  assert_string_equal(rem_reader_type_of("x.pdf"), "pdf");
  assert_string_equal(rem_reader_type_of("dir.md/README"), "unknown");
  assert_string_equal(rem_reader_type_of("x.c"), "code");
  assert_string_equal(rem_reader_type_of(".md"), "unknown");
  assert_false(rem_reader_may_read("a.png"));
  assert_true(rem_reader_may_read("a.pdf"));
}

static char folder[] = "/tmp/rem-reader-XXXXXX";

static const char *write_file(const char *name, const void *data, size_t size) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  rem_error err = {0};
  assert_int_equal(rem_file_write_atomic(path, data, size, 0600, &err), REM_OK);
  return path;
}

static rem_status read_file(const char *path, rem_source *source, rem_text_document *document, rem_error *err) {
  rem_status status = rem_source_load(path, source, err);
  if (status == REM_OK)
    status = rem_reader_read(source, document, err);
  rem_source_deinit(source);
  return status;
}

static void files_are_hashed_and_sniffed(void **state) {
  (void)state;
  rem_source source;
  rem_text_document document = {0};
  rem_error err = {0};
  assert_int_equal(read_file(write_file("README", "abc", 3), &source, &document, &err), REM_OK);
  assert_string_equal(source.file_type, "text");
  assert_string_equal(source.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert_int_equal(source.size_bytes, 3);
  assert_string_equal(render(&document), "paragraph(-1):abc\n");
  rem_text_document_deinit(&document);

  assert_int_equal(read_file(write_file("empty.md", "", 0), &source, &document, &err), REM_OK);
  assert_int_equal(document.block_count, 0);
  rem_text_document_deinit(&document);
}

static void files_that_cannot_be_read_say_why(void **state) {
  (void)state;
  rem_source source;
  rem_text_document document = {0};
  rem_error err = {0};
  assert_int_equal(read_file(write_file("fake.md", "PK\3\4\0\0", 6), &source, &document, &err), REM_INVALID);
  assert_non_null(strstr(err.message, "binary"));
  assert_int_equal(read_file(write_file("blob", "\x7f" "ELF\0\0", 6), &source, &document, &err), REM_UNSUPPORTED);
  assert_int_equal(read_file(write_file("x.pdf", "%PDF-1.4", 8), &source, &document, &err), REM_UNSUPPORTED);
  assert_string_equal(err.message, "pdf files cannot be read yet");
  assert_true(strlen(source.sha256) == 64);
  assert_int_equal(read_file("/nowhere/x.md", &source, &document, &err), REM_UNKNOWN);
  assert_null(document.blocks);
}

static void hostile_markdown_ends(void **state) {
  (void)state;
  const char *patterns[] = {"[", "![", "> ", "- ", "*a **a ", "<a ", "`", "|a", "&#", "[a](", "\\", "<!--", "a\n"};
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    rem_buffer text = {0};
    for (size_t n = 0; n < 20000; n++)
      rem_buffer_append_text(&text, patterns[i]);
    rem_text_document document = {0};
    rem_error err = {0};
    assert_int_equal(rem_reader_read_text("markdown", text.data, text.size, &document, &err), REM_OK);
    rem_text_document_deinit(&document);
    rem_buffer_deinit(&text);
  }
}

/* Every allocation fails once; nothing leaks and nothing is half done. */
static void failing_allocations_are_clean(void **state) {
  (void)state;
  const char *text = "---\ntitle: T\n---\n# A\n\n- b\n- c [l](http://x)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<p>x</p>\n";
  for (int64_t n = 1;; n++) {
    size_t live = rem_alloc_live_count();
    rem_text_document document = {0};
    rem_error err = {0};
    rem_alloc_fail_at(n, 0);
    rem_status status = rem_reader_read_text("markdown", text, strlen(text), &document, &err);
    rem_alloc_fail_at(0, 0);
    if (status == REM_OK)
      rem_text_document_deinit(&document);
    else
      assert_int_equal(status, REM_NOMEM);
    assert_int_equal(rem_alloc_live_count(), live);
    if (status == REM_OK && n > 40)
      break;
  }
}

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  return rem_file_remove_tree(folder, NULL) == REM_OK ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_is_paragraphs_between_blank_lines),
      cmocka_unit_test(csv_is_one_table_with_a_header),
      cmocka_unit_test(markdown_has_headings_paragraphs_and_lists),
      cmocka_unit_test(heading_levels_nest),
      cmocka_unit_test(markdown_code_and_tables_keep_their_lines),
      cmocka_unit_test(links_keep_targets_that_tell_something),
      cmocka_unit_test(html_in_markdown_is_reduced_to_its_text),
      cmocka_unit_test(front_matter_gives_title_and_metadata),
      cmocka_unit_test(a_title_that_the_first_heading_repeats_is_said_once),
      cmocka_unit_test(what_only_looks_like_front_matter_is_text),
      cmocka_unit_test(the_name_chooses_the_format),
      cmocka_unit_test(files_are_hashed_and_sniffed),
      cmocka_unit_test(files_that_cannot_be_read_say_why),
      cmocka_unit_test(hostile_markdown_ends),
      cmocka_unit_test(failing_allocations_are_clean),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
