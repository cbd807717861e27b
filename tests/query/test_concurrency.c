/* SPDX-License-Identifier: Apache-2.0 */
/* Writers and readers at once, each with a session of its own: every statement sees one moment, and what a transaction has read holds when it commits. */
#include <pthread.h>
#include <stdatomic.h>

#include "query_test.h"

#define ACCOUNTS 12
#define TOTAL (ACCOUNTS * 100)
#define WRITERS 4
#define READERS 2

typedef struct crowd {
  test_db *test;
  atomic_int writing, conflicts, done;
  int transfers;
} crowd;

static int64_t number(rem_session *session, const char *sql) {
  rem_statement *statement;
  int64_t value = -1;
  OK(rem_session_prepare(session, sql, strlen(sql), &statement, NULL, err));
  rem_error error = {0};
  rem_status status = rem_statement_step(statement, &error);
  if (status < 0)
    fail_msg("%s: %s", sql, error.message);
  if (status == REM_ROW)
    value = rem_statement_value(statement, 0).integer;
  rem_statement_free(statement);
  return value;
}

/* From one account to another, if there is enough: what was read must still be so at the commit. */
static bool transfer(rem_session *session, unsigned *seed) {
  char sql[160];
  unsigned from = (unsigned)rand_r(seed) % ACCOUNTS, to = (from + 1 + (unsigned)rand_r(seed) % (ACCOUNTS - 1)) % ACCOUNTS;
  do_sql(session, "BEGIN");
  snprintf(sql, sizeof sql, "SELECT balance FROM account WHERE code = 'a%u'", from);
  int64_t balance = number(session, sql);
  snprintf(sql, sizeof sql, "SELECT balance FROM account WHERE code = 'a%u'", to);
  int64_t other = number(session, sql);
  snprintf(sql, sizeof sql, "UPDATE account SET balance = %lld WHERE code = 'a%u'", (long long)balance - 1, from);
  do_sql(session, sql);
  snprintf(sql, sizeof sql, "UPDATE account SET balance = %lld WHERE code = 'a%u'", (long long)other + 1, to);
  do_sql(session, sql);
  rem_status status = refuse(session, "COMMIT", NULL);
  assert_true(status >= 0 || status == REM_CONFLICT);
  return status >= 0;
}

static void *write_rows(void *context) {
  crowd *c = context;
  rem_session *session = open_session(c->test);
  unsigned seed = (unsigned)atomic_fetch_add(&c->writing, 1) + 17;
  for (int done = 0; done < c->transfers;) {
    if (transfer(session, &seed))
      done++;
    else
      atomic_fetch_add(&c->conflicts, 1);
    /* A statement by itself is run again until nobody is in its way. */
    do_sql(session, "UPDATE tally SET n = n + 1 WHERE code = 't'");
    atomic_fetch_add(&c->done, 1);
  }
  rem_session_close(session);
  atomic_fetch_sub(&c->writing, 1);
  return NULL;
}

static void *read_rows(void *context) {
  crowd *c = context;
  rem_session *session = open_session(c->test);
  do {
    assert_int_equal(number(session, "SELECT sum(balance) FROM account"), TOTAL);
    assert_int_equal(number(session, "SELECT (SELECT sum(balance) FROM account) + sum(a.balance) FROM account a JOIN account b ON b.code = a.code"), 2 * TOTAL);
    assert_int_equal(number(session, "SELECT count(*) FROM account WHERE state = 'open'"), ACCOUNTS);
  } while (atomic_load(&c->writing) > 0);
  rem_session_close(session);
  return NULL;
}

static void transfers_keep_the_sum(void **state) {
  crowd c = {.test = *state, .transfers = 40};
  pthread_t threads[WRITERS + READERS];
  add_schema(c.test, "{\"title\":\"Account\",\"short_name\":\"account\",\"type\":\"object\",\"key_field\":\"code\",\"indexed_fields\":[\"state\",\"balance\"],"
                     "\"properties\":{\"code\":{\"type\":\"string\"},\"balance\":{\"type\":\"integer\"},\"state\":{\"type\":\"string\"}}}");
  add_schema(c.test, "{\"title\":\"Tally\",\"short_name\":\"tally\",\"type\":\"object\",\"key_field\":\"code\",\"properties\":{\"code\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"}}}");
  rem_session *session = open_session(c.test);
  for (int i = 0; i < ACCOUNTS; i++) {
    char sql[128];
    snprintf(sql, sizeof sql, "INSERT INTO account(code, balance, state) VALUES ('a%d', 100, 'open')", i);
    do_sql(session, sql);
  }
  do_sql(session, "INSERT INTO tally(code, n) VALUES ('t', 0)");
  for (int i = 0; i < WRITERS + READERS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, i < WRITERS ? write_rows : read_rows, &c), 0);
  for (int i = 0; i < WRITERS + READERS; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(number(session, "SELECT sum(balance) FROM account"), TOTAL);
  assert_int_equal(number(session, "SELECT n FROM tally"), atomic_load(&c.done));
  rem_session_close(session);
  check_whole(*state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(transfers_keep_the_sum, test_setup, test_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
