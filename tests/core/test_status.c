/* The status list: every entry has a name, a text and a value of its own; errors are recorded whole and safely.
 * What triggers each status is tested where the status comes from; tests/style checks that there is such a test.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/error.h"

static const oclstm_status ALL[] = {
#define ENTRY(name, value, text) OCLSTM_##name,
    OCLSTM_STATUS_MAP(ENTRY)
#undef ENTRY
};
enum { N_ALL = sizeof ALL / sizeof ALL[0] };

static void names_and_texts_are_their_own(void **unused) {
  (void)unused;
  for (size_t a = 0; a < N_ALL; ++a) {
    assert_true(strlen(oclstm_status_name(ALL[a])) > 0 && strlen(oclstm_status_text(ALL[a])) > 0);
    for (size_t b = 0; b < a; ++b) {
      assert_int_not_equal(ALL[a], ALL[b]);
      assert_string_not_equal(oclstm_status_name(ALL[a]), oclstm_status_name(ALL[b]));
      assert_string_not_equal(oclstm_status_text(ALL[a]), oclstm_status_text(ALL[b]));
    }
  }
}

/* Values are a promise to callers that were compiled earlier. */
static void values_are_pinned(void **unused) {
  (void)unused;
  assert_int_equal(OCLSTM_OK, 0);
  for (size_t k = 0; k < N_ALL; ++k) {
    assert_int_equal(ALL[k], -(int)k);
  }
}

static void other_values_are_unknown(void **unused) {
  (void)unused;
  assert_string_equal(oclstm_status_name((oclstm_status)1), "unknown");
  assert_string_equal(oclstm_status_text((oclstm_status)-1000), "unknown");
}

static void an_error_holds_what_happened(void **unused) {
  oclstm_error error = {OCLSTM_OK, 7, 7, ""};
  (void)unused;
  assert_int_equal(oclstm__fail_cl(&error, OCLSTM_E_OPENCL, -30, "%s %d", "call", 3), OCLSTM_E_OPENCL);
  assert_int_equal(error.status, OCLSTM_E_OPENCL);
  assert_int_equal(error.cl_code, -30);
  assert_int_equal(error.os_code, 0);
  assert_string_equal(error.text, "call 3");
  assert_int_equal(oclstm__fail_os(&error, OCLSTM_E_OPEN, 2, "x"), OCLSTM_E_OPEN);
  assert_true(error.os_code == 2 && error.cl_code == 0);
  assert_int_equal(oclstm__fail(NULL, OCLSTM_E_SHAPE, "nobody listens"), OCLSTM_E_SHAPE);
}

/* Names come from files: no control characters reach a terminal, and no text is too long. */
static void texts_are_safe(void **unused) {
  oclstm_error error;
  char name[2 * sizeof error.text];
  (void)unused;
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  oclstm__fail(&error, OCLSTM_E_FORMAT, "\033[31m%s\n", name);
  assert_int_equal(strlen(error.text), sizeof error.text - 1);
  assert_null(strpbrk(error.text, "\033\n"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_and_texts_are_their_own),
      cmocka_unit_test(values_are_pinned),
      cmocka_unit_test(other_values_are_unknown),
      cmocka_unit_test(an_error_holds_what_happened),
      cmocka_unit_test(texts_are_safe),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
