/* Shapes as they are written, and the named lists.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "bench/bench.h"

static bench_shape read(const char *text) {
  bench_shapes shapes = {0, 0, NULL};
  char why[BENCH_TEXT] = "";
  if (!bench_shapes_add(&shapes, text, why)) {
    fail_msg("%s: %s", text, why);
  }
  assert_int_equal(shapes.n, 1);
  bench_shape shape = shapes.items[0];
  bench_shapes_free(&shapes);
  return shape;
}

static void refuse(const char *text, const char *expected) {
  bench_shapes shapes = {0, 0, NULL};
  char why[BENCH_TEXT] = "";
  if (bench_shapes_add(&shapes, text, why)) {
    fail_msg("%s was taken", text);
  }
  if (strstr(why, expected) == NULL) {
    fail_msg("%s: \"%s\" does not say \"%s\"", text, why, expected);
  }
  assert_int_equal(shapes.n, 0);
  bench_shapes_free(&shapes);
}

static void items_are_read(void **unused) {
  char text[BENCH_TEXT];
  (void)unused;
  bench_shape s = read("100,64,512,256");
  assert_true(s.T == 100 && s.B == 64 && s.I == 512 && s.H == 256);
  assert_true(s.cell == OCLSTM_LSTM && s.layers == 1 && s.directions == 1 && s.rows == BENCH_WHOLE);
  s = read("1000000,1,1,64,gru,3,2");
  assert_true(s.T == 1000000 && s.cell == OCLSTM_GRU && !s.reset_first && s.layers == 3 && s.directions == 2);
  bench_shape_text(&s, text);
  assert_string_equal(text, "T 1000000 B 1 I 1 H 64 gru x3 bidirectional");
  assert_true(read("1,1,1,1,rnn").cell == OCLSTM_RNN);
  assert_true(read("0000000000000010,1,1,1").T == 10);
  s = read("100,10,1,1,lstm,1,1,ragged");
  assert_true(s.rows == BENCH_RAGGED && s.T == 100);
  s = read("100,10,1,1,lstm,1,1,equal");
  assert_true(s.rows == BENCH_EQUAL && s.T == 55);
  s = read("1,1,1,1,gru0");
  assert_true(s.cell == OCLSTM_GRU && s.reset_first);
}

static void what_is_no_shape_is_refused(void **unused) {
  (void)unused;
  refuse("100,64,512", "too few numbers");
  refuse("", "no list ''");
  refuse(",", "T is ''");
  refuse("1,2,3,4,lstm,1,1,ragged,1", "too many words");
  refuse("1,2,3,4,lstm,1,1,1", "the rows are '1'");
  refuse("0,64,512,512", "T is '0'");
  refuse("1,-2,512,512", "B is '-2'");
  refuse("1,2,5 ,512", "I is '5 '");
  refuse("1,2,,512", "I is ''");
  refuse("1,2,3,65537", "H is '65537'");
  refuse("99999999999999999999,2,3,4", "T is '99999999999999999999'");
  refuse("0000000000000000000000000000000000000000010,2,3,4",
         "T is '000000000000000000000000000000000000...'");
  refuse("1,2,3,4,", "the cell is ''");
  refuse("1,2,3,4,lstm,1,1,whole,", "too many words");
  refuse("1,2,3,4,lstmlstmlstmlstm", "the cell is 'lstmlstmlstmlstm'");
  refuse("18446744073709551617,1,1,1", "T is");
  refuse("1,2,3,4,LSTM", "the cell is 'LSTM'");
  refuse("1,2,3,4,lstm,0", "LAYERS is '0'");
  refuse("1,2,3,4,lstm,1,3", "DIRECTIONS is '3'");
  refuse("1,1,65536,65536", "parameters");
  refuse("1,1048576,65536,1", "rows");
  refuse("quik", "no list 'quik'");
}

static void what_is_refused_leaves_the_others(void **unused) {
  bench_shapes shapes = {0, 0, NULL};
  char why[BENCH_TEXT] = "";
  (void)unused;
  assert_true(bench_shapes_add(&shapes, "1,2,3,4", why));
  assert_false(bench_shapes_add(&shapes, "1,2,3", why));
  assert_int_equal(shapes.n, 1);
  bench_shapes_free(&shapes);
}

static size_t length_of(const char *name) {
  bench_shapes shapes = {0, 0, NULL};
  bool known = false;
  assert_true(bench_list_add(&shapes, name, &known));
  assert_true(known);
  size_t n = shapes.n;
  bench_shapes_free(&shapes);
  return n;
}

/* DeepBench's tables: 4 sizes of 4 batches and two more sizes of 3; 5 sizes of 3. */
static void lists_are_complete(void **unused) {
  (void)unused;
  assert_int_equal(length_of("deepbench-training"), 22);
  assert_int_equal(length_of("deepbench-inference"), 15);
  assert_int_equal(length_of("long"), 9);
  assert_int_equal(length_of("ragged"), 6);
  assert_int_equal(length_of("cells"), 18);
  assert_int_equal(length_of("stacked"), 12);
  size_t all = 0;
  for (size_t k = 0; k < bench_list_count(); ++k) {
    if (strcmp(bench_list_name(k), "full") != 0) {
      all += length_of(bench_list_name(k));
    }
    assert_true(strlen(bench_list_purpose(k)) > 0);
  }
  assert_true(length_of("full") <= all && length_of("full") > 80);
}

static void equal_rows_have_the_steps_of_ragged_ones(void **unused) {
  bench_shapes shapes = {0, 0, NULL};
  bool known = false;
  (void)unused;
  assert_true(bench_list_add(&shapes, "ragged", &known));
  for (size_t k = 0; k < shapes.n; ++k) {
    double steps = (double)bench_valid_steps(&shapes.items[k]);
    assert_true(steps > 0.99 * (double)bench_valid_steps(&shapes.items[0]));
    assert_true(steps < 1.01 * (double)bench_valid_steps(&shapes.items[0]));
  }
  bench_shapes_free(&shapes);
}

/* A shape that two ask for runs once, for the precisions of both. */
static void shapes_are_not_repeated(void **unused) {
  bench_shapes shapes = {0, 0, NULL};
  bench_shape s = read("1,2,3,4");
  (void)unused;
  s.precisions = 1;
  assert_true(bench_shapes_push(&shapes, &s));
  s.precisions = 4;
  assert_true(bench_shapes_push(&shapes, &s));
  assert_int_equal(shapes.n, 1);
  assert_int_equal(shapes.items[0].precisions, 5);
  s.precisions = 0;
  assert_true(bench_shapes_push(&shapes, &s));
  assert_int_equal(shapes.items[0].precisions, 0);
  s.T = 2;
  assert_true(bench_shapes_push(&shapes, &s));
  assert_int_equal(shapes.n, 2);
  bench_shapes_free(&shapes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(items_are_read),
      cmocka_unit_test(what_is_no_shape_is_refused),
      cmocka_unit_test(what_is_refused_leaves_the_others),
      cmocka_unit_test(lists_are_complete),
      cmocka_unit_test(equal_rows_have_the_steps_of_ragged_ones),
      cmocka_unit_test(shapes_are_not_repeated),
  };
  return cmocka_run_group_tests_name("bench.shapes", tests, NULL, NULL);
}
