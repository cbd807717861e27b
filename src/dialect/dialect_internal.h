/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the dialect share: the statement as tokens, blocks and marks, and the edits that come of them.
 *
 *   text --token.c--> tokens --parse.c--> queries, blocks, references, marks --search*.c, list.c, verb.c--> edits --edit.c--> text, map
 *
 * The parse is as deep as rewriting needs it: it knows where clauses begin and end, which tables they read and which names stand in them, and
 * leaves the grammar of expressions to SQLite. What it does not understand it leaves alone, and SQLite complains.
 *
 * Everything is an index into an array of the rem_dialect: arrays grow, and NONE means there is none.
 */
#ifndef REM_DIALECT_DIALECT_INTERNAL_H
#define REM_DIALECT_DIALECT_INTERNAL_H

#include "base/arena.h"
#include "base/buffer.h"
#include "dialect/dialect.h"
#include "dialect/token.h"

#define NONE UINT32_MAX

typedef struct rem_token {
  uint32_t begin, end; /* bytes of the text */
  uint32_t partner;    /* of an OPEN, CLOSE, CASE or its END: the index of the other; else NONE */
  uint8_t kind;        /* rem_token_kind */
  uint8_t word;        /* rem_word, of a NAME */
  uint16_t number;     /* of a PARAMETER */
  bool made;           /* dealt with: a PARAMETER that an edit writes, the = of an assignment */
} rem_token;

/* Tokens [begin, end). Empty: begin == end. */
typedef struct rem_token_range {
  uint32_t begin, end;
} rem_token_range;

/* One SELECT with its WITH, ORDER BY and LIMIT: one block, or several joined by UNION and the like. Also the frame of an
 * INSERT, UPDATE or DELETE, for its WITH. */
typedef struct rem_query {
  uint32_t parent;       /* the query around it, for the names of its WITH; NONE */
  uint32_t first_block, block_count;
  rem_token_range whole; /* from SELECT (after WITH) to the last token */
  rem_token_range order; /* after ORDER BY */
  rem_token_range limit; /* after LIMIT */
  uint32_t open;         /* the parenthesis around it; NONE */
  uint32_t end_of_blocks; /* where ORDER BY, LIMIT or the end stands */
  bool outermost;        /* its columns are the statement's */
} rem_query;

/* One SELECT core (or VALUES), or the frame of an UPDATE or DELETE, whose assignments are its results. */
typedef struct rem_block {
  uint32_t query;
  uint32_t parent;  /* the block whose columns it may use too; NONE */
  uint32_t next;    /* of the same query; NONE */
  rem_token_range whole, results, from, where, group, having, window;
  uint32_t first_reference, last_reference; /* by `next`; NONE */
  uint32_t reference_count;
  bool distinct, values;
  bool writes;      /* UPDATE or DELETE */
  uint32_t scored;  /* the reference whose search a verb states; NONE */
  bool gathers;     /* calls functions that may be aggregates or windows */
} rem_block;

typedef enum rem_reference_kind {
  REM_REFERENCE_TABLE,
  REM_REFERENCE_CTE,
  REM_REFERENCE_SUBQUERY,
  REM_REFERENCE_FUNCTION,
} rem_reference_kind;

/* A table in a FROM list, or the target of a write. */
typedef struct rem_reference {
  rem_reference_kind kind;
  uint32_t block, next;
  uint32_t name;          /* token; of a SUBQUERY its OPEN */
  uint32_t alias;         /* token; NONE */
  rem_token_range whole;  /* with name and alias, without ON */
  rem_token_range on;     /* the condition of ON */
  bool on_outer;          /* that ON is of an outer join: it does not filter */
  bool optional;          /* its columns may be NULL for want of a partner (outer joins) */
  bool deleted;           /* the text names its deleted_at */
  bool target;            /* of a write */
  bool counted;           /* its counter is read instead */
  rem_dialect_table table; /* of a TABLE */
  uint32_t cte;           /* of a CTE */
} rem_reference;

typedef struct rem_cte {
  uint32_t query, name;
  uint32_t open; /* the parenthesis of its text; NONE */
} rem_cte;

/* An operator that compares, or a word whose operands become one value: CASE, coalesce and their like. */
typedef struct rem_place {
  uint32_t block, token;
} rem_place;

/* What an expression holds: bits (type.c). */
typedef struct rem_typed {
  rem_dialect_type type;
  uint16_t parts;
  bool converts; /* it has an affinity: a column, of a table or of a query in FROM */
  bool column;   /* of a table: it has its collation */
  bool null;     /* NULL and nothing else */
} rem_typed;

typedef enum rem_metric { REM_METRIC_COSINE, REM_METRIC_INNER_PRODUCT, REM_METRIC_L2, REM_METRIC_COUNT } rem_metric;

typedef enum rem_search_role {
  REM_ROLE_SCORE,     /* a value: in the result list, or in ORDER BY */
  REM_ROLE_RANK,      /* alone as a condition */
  REM_ROLE_THRESHOLD, /* compared */
  REM_ROLE_ORDER,     /* the first term of ORDER BY, or the alias there */
} rem_search_role;

/* [t.]embedding.cosine(…) */
typedef struct rem_call {
  uint32_t block;
  rem_token_range whole;  /* of the call */
  rem_token_range argument;
  uint32_t qualifier;     /* token; NONE */
  uint32_t reference;     /* the table it searches */
  uint8_t slot;           /* 0 embedding, 1 embedding_alt */
  uint8_t metric;
  rem_search_role role;
  rem_token_range condition; /* RANK, THRESHOLD: the whole condition; ORDER: the call with its parentheses */
  uint32_t leader;        /* the call whose search it shares (itself, when it is the first) */
} rem_call;

typedef enum rem_mark_kind {
  REM_MARK_DELETED_AT, /* a column deleted_at */
  REM_MARK_SCORE,      /* a column _score */
  REM_MARK_ANY,        /* op ANY ( … ) or ALL */
  REM_MARK_SUBSCRIPT,  /* name[…][…] */
  REM_MARK_HIDDEN,     /* another hidden column */
} rem_mark_kind;

typedef struct rem_mark {
  rem_mark_kind kind;
  uint32_t block;
  uint32_t token;      /* the column; of ANY the word */
  uint32_t qualifier;  /* of a column; NONE */
  rem_token_range whole; /* SUBSCRIPT: the name with its subscripts, `token` being the first of these */
} rem_mark;

/* A part of the text that is made anew. Edits nest and never cross; of two on the same bytes the later is around the
 * earlier. An edit is made of pieces: literal text, and copies of the caller's text in which the edits inside apply. */
typedef struct rem_edit_piece {
  struct rem_edit_piece *next;
  const char *text; /* NULL: a copy */
  uint32_t begin, end; /* bytes of the caller's text; of a literal its size is end - begin */
  struct rem_edit *without; /* an edit that does not apply in this copy; NULL */
} rem_edit_piece;

typedef struct rem_edit {
  uint32_t begin, end;
  uint32_t order;
  bool active; /* being written */
  rem_edit_piece *first, *last;
} rem_edit;

/* From `made` bytes on the text made comes from `source`. */
typedef struct rem_segment {
  uint32_t made, source;
  bool copied; /* byte by byte; else all of it from the one place */
} rem_segment;

#define REM_DIALECT_ARRAY(type) struct { type *items; uint32_t count, capacity; }

struct rem_dialect {
  const char *text;
  size_t text_size;
  const rem_dialect_catalog *catalog;
  rem_dialect_statement statement;
  rem_arena arena; /* pieces, edits, suggestions: until the next statement */
  REM_DIALECT_ARRAY(rem_token) tokens; /* ends with END */
  REM_DIALECT_ARRAY(rem_query) queries;
  REM_DIALECT_ARRAY(rem_block) blocks;
  REM_DIALECT_ARRAY(rem_reference) references;
  REM_DIALECT_ARRAY(rem_cte) ctes;
  REM_DIALECT_ARRAY(rem_call) calls;
  REM_DIALECT_ARRAY(rem_mark) marks;
  REM_DIALECT_ARRAY(rem_edit *) edits;
  REM_DIALECT_ARRAY(rem_segment) segments;
  REM_DIALECT_ARRAY(rem_dialect_parameter) parameters;
  REM_DIALECT_ARRAY(rem_place) comparisons;
  REM_DIALECT_ARRAY(rem_place) choices; /* CASE and functions that give one of their arguments */
  REM_DIALECT_ARRAY(rem_place) arrows; /* -> and ->> */
  REM_DIALECT_ARRAY(rem_dialect_demand) demands;
  rem_buffer output;
  uint32_t body; /* the first token after EXPLAIN QUERY PLAN */
  rem_token_range source; /* the query that an INSERT takes its rows from */
  rem_token_range target_columns; /* of an INSERT, between the parentheses */
  uint32_t depth; /* of the parse */
  uint32_t type_work; /* spent on types */
};

/* Grows `array` by one zeroed item and gives its address in `ret`; else returns REM_NOMEM. */
rem_status rem_dialect__grow(void *items, uint32_t *count, uint32_t *capacity, size_t item_size, rem_error *err);
#define REM_DIALECT_PUSH(array, ret, err)                                                                              \
  do {                                                                                                                 \
    REM_TRY(rem_dialect__grow(&(array).items, &(array).count, &(array).capacity, sizeof *(array).items, err));         \
    (ret) = &(array).items[(array).count - 1];                                                                         \
  } while (0)

/* Errors at a token. Return `code`. */
rem_status rem_dialect__fail(rem_dialect *d, uint32_t token, rem_status code, rem_error *err, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* tokens.c */
static inline const rem_token *rem_dialect__token(const rem_dialect *d, uint32_t i) {
  return &d->tokens.items[i < d->tokens.count ? i : d->tokens.count - 1];
}
static inline rem_token_kind rem_dialect__kind(const rem_dialect *d, uint32_t i) {
  return (rem_token_kind)rem_dialect__token(d, i)->kind;
}
static inline bool rem_dialect__is(const rem_dialect *d, uint32_t i, rem_word word) {
  const rem_token *token = rem_dialect__token(d, i);
  return token->kind == REM_TOKEN_NAME && token->word == word;
}
/* The token may name a table or a column: a bare word that is not reserved, or a quoted one. */
bool rem_dialect__is_name(const rem_dialect *d, uint32_t i);
/* The token names `name` (lower case), quoted or not, in any case. */
bool rem_dialect__names(const rem_dialect *d, uint32_t i, const char *name);
/* Both tokens are the same name. */
bool rem_dialect__same_name(const rem_dialect *d, uint32_t a, uint32_t b);
/* The name or text without its quotes, NUL-terminated, of the arena; NULL without memory. */
const char *rem_dialect__unquoted(rem_dialect *d, uint32_t i);
/* The token as written, for messages: at most 60 bytes of it, cut at a character. */
int rem_dialect__shown_size(const rem_dialect *d, uint32_t i);
#define REM_DIALECT_SHOWN(d, i) rem_dialect__shown_size(d, i), (d)->text + rem_dialect__token(d, i)->begin
/* The texts of both ranges are the same tokens. */
bool rem_dialect__same_tokens(const rem_dialect *d, rem_token_range a, rem_token_range b);
/* Tokens of the whole text, brackets matched. */
rem_status rem_dialect__tokenize(rem_dialect *d, rem_error *err);

/* parse.c, parse_from.c, parse_scan.c, statement.c */
rem_status rem_dialect__parse_statement(rem_dialect *d, rem_error *err);
rem_status rem_dialect__parse_query(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t parent_query,
                                    uint32_t parent_block, bool outermost, rem_error *err);
rem_status rem_dialect__parse_with(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t query, uint32_t parent_block,
                                   rem_error *err);
rem_status rem_dialect__parse_from(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t block, rem_error *err);
/* The target of a write: [main.]name [AS alias]. */
rem_status rem_dialect__parse_target(rem_dialect *d, uint32_t *at, uint32_t block, rem_error *err);
/* A table or column in FROM or as the target; for verbs. */
rem_status rem_dialect__find_table(rem_dialect *d, uint32_t name, rem_dialect_table *ret_table, rem_error *err);
rem_status rem_dialect__add_reference(rem_dialect *d, uint32_t block, const rem_reference *made, rem_error *err);
rem_status rem_dialect__new_query(rem_dialect *d, uint32_t parent, uint32_t *ret_query, rem_error *err);
rem_status rem_dialect__new_block(rem_dialect *d, uint32_t query, uint32_t parent, uint32_t *ret_block, rem_error *err);
enum {
  REM_STOP_CLAUSE = 1, /* at WHERE, GROUP BY, …, UNION, RETURNING, `;` */
  REM_STOP_JOIN = 2,   /* at what joins two tables: a comma, JOIN, LEFT, … */
};
/* Goes through an expression from `*at` to `limit` or to a token of its own level that `stops` names, notes what the dialect must look at, and parses the
 * queries inside. */
rem_status rem_dialect__scan(rem_dialect *d, uint32_t *at, uint32_t limit, uint32_t block, unsigned stops, rem_error *err);
bool rem_dialect__starts_query(const rem_dialect *d, uint32_t at);

/* scope.c */
/* The reference called by the name in token `qualifier`, in `block` or around it; NONE. */
uint32_t rem_dialect__find_reference(const rem_dialect *d, uint32_t block, uint32_t qualifier);
/* The token that names a reference to its block: alias, or name. */
uint32_t rem_dialect__visible_name(const rem_reference *reference);
rem_status rem_dialect__resolve_deleted(rem_dialect *d, rem_error *err);
/* The references as SQLite must see them: canonical names, "t+deleted". */
rem_status rem_dialect__edit_references(rem_dialect *d, rem_error *err);
/* Is this name a column of the table, also a hidden one? */
bool rem_dialect__has_column(const rem_dialect *d, const rem_dialect_table *table, const char *name);

/* Can the name that begins at token `name` (in `block`) only be a column of this reference? Columns of queries in FROM are not known. */
bool rem_dialect__is_column_of(rem_dialect *d, uint32_t block, uint32_t name, uint32_t reference);

/* search.c, search_place.c, search_form.c */
rem_status rem_dialect__plan_searches(rem_dialect *d, rem_error *err);
rem_status rem_dialect__place_call(rem_dialect *d, rem_call *call, rem_error *err);
/* The call with the parentheses around it alone. */
rem_token_range rem_dialect__widened(const rem_dialect *d, rem_token_range call);
/* Everything that follows from the searches of one block. */
rem_status rem_dialect__form_block(rem_dialect *d, uint32_t block, rem_error *err);
/* The first item of a comma list at or after range->begin; false when the list is spent. Advances range->begin. */
bool rem_dialect__next_item(const rem_dialect *d, rem_token_range *rest, rem_token_range *ret_item);
/* The alias of an item of a result list; NONE. */
uint32_t rem_dialect__item_alias(const rem_dialect *d, rem_token_range item);
/* The position of the first token in `range` at its own level that is one of the words; range.end when there is none. */
uint32_t rem_dialect__find_word(const rem_dialect *d, rem_token_range range, rem_word word);
/* The next token at the same level: behind the parenthesis or CASE that opens at `i`. */
uint32_t rem_dialect__step(const rem_dialect *d, uint32_t i);
/* Limits that keep planning linear in the text. */
#define REM_DIALECT_CALL_COUNT_MAX 200u
#define REM_DIALECT_CTE_COUNT_MAX 200u
extern const char *const rem_dialect__metric_names[REM_METRIC_COUNT];

/* type.c: what expressions hold */
rem_typed rem_dialect__type_of(rem_dialect *d, uint32_t block, rem_token_range range);
/* Of the table's column that the name token names; ANY also where there is none: `ret_has`. */
rem_dialect_type rem_dialect__column_type(rem_dialect *d, const rem_dialect_table *table, uint32_t token, bool *ret_has);
/* Texts and parameters among what an expression of instants gives, made canonical. */
rem_status rem_dialect__edit_choices(rem_dialect *d, rem_error *err);
/* compare.c: what is compared with what (D35), instants as instants (D19) */
rem_status rem_dialect__check_comparisons(rem_dialect *d, rem_error *err);
/* The name, call, constant, parenthesis or CASE that ends right before token `end`; empty: there is none, or it cannot be told. */
rem_token_range rem_dialect__primary_before(const rem_dialect *d, uint32_t end);
/* False: the operand is no constant. A parameter is none. */
bool rem_dialect__constant_of(rem_dialect *d, uint32_t block, rem_token_range range, rem_dialect_constant *ret_constant);
/* assign.c: constants that are written */
rem_status rem_dialect__check_written(rem_dialect *d, rem_error *err);
/* access.c: what is reached into has parts */
rem_status rem_dialect__check_access(rem_dialect *d, rem_error *err);

/* count.c: count(*); list.c: ANY, ALL, subscripts; row_value.c: (a, b) IN; source.c: the rows of INSERT; result.c: names of result columns */
rem_status rem_dialect__edit_counts(rem_dialect *d, rem_error *err);
rem_status rem_dialect__edit_lists(rem_dialect *d, rem_error *err);
rem_status rem_dialect__edit_row_values(rem_dialect *d, rem_error *err);
rem_status rem_dialect__edit_source(rem_dialect *d, rem_error *err);
rem_status rem_dialect__keep_result_names(rem_dialect *d, rem_error *err);

/* verb.c */
rem_status rem_dialect__parse_verb(rem_dialect *d, uint32_t at, rem_error *err);

/* edit.c */
rem_status rem_dialect__edit_bytes(rem_dialect *d, uint32_t begin, uint32_t end, rem_edit **ret_edit, rem_error *err);
rem_status rem_dialect__edit_tokens(rem_dialect *d, rem_token_range range, rem_edit **ret_edit, rem_error *err);
rem_status rem_dialect__put(rem_dialect *d, rem_edit *edit, rem_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* One token as it is, whatever edits there are. */
rem_status rem_dialect__put_token(rem_dialect *d, rem_edit *edit, uint32_t token, rem_error *err);
rem_status rem_dialect__copy(rem_dialect *d, rem_edit *edit, rem_token_range range, rem_edit *without, rem_error *err);
/* Writes the statement from byte `begin` to `end` with all edits into d->output, and the map. */
rem_status rem_dialect__render(rem_dialect *d, uint32_t begin, uint32_t end, rem_error *err);
void rem_dialect__sort_edits(rem_dialect *d);
/* Is one of the first `count` edits, which are sorted, in the range? */
bool rem_dialect__is_edited(const rem_dialect *d, uint32_t count, rem_token_range range);

/* suggest.c: hints with the nearest name */
void rem_dialect__suggest_table(rem_dialect *d, const char *typed, rem_error *err);
/* Nearest of `words` (ends with NULL), else `otherwise` as the hint. */
void rem_dialect__suggest(const char *typed, const char *const *words, const char *otherwise, rem_error *err);

#endif
