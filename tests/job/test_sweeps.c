/* The schedule of walks for networks of every mix of directions.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "job/job.h"
#include "network.h"
#include "test.h"

/* Writes a schedule as text: direction of time, part, layers, input, other, order (m or r), head; "<R0+1@-1 >F0+2@-1&0H". */
static void write_schedule(const char *layers, size_t head, bool one_chunk, bool ragged, char *text,
                           size_t size) {
  const network_desc desc = {.layers = layers, .input_size = 3, .head_size = head, .seed = 1};
  oclstm_model *model = network_create(&desc);
  oclstm__walk walks[2 * MAX_LAYERS + 1];
  size_t n = oclstm__schedule(model, one_chunk, ragged, walks);
  assert_true(n <= oclstm__max_walks(oclstm_model_n_layers(model)));
  size_t at = 0;
  for (size_t w = 0; w < n; ++w) {
    const oclstm__walk *walk = &walks[w];
    at += (size_t)snprintf(text + at, size - at, "%s%c%c%zu+%zu@%d", w > 0 ? " " : "",
                           walk->descending ? '<' : '>', "WRF"[walk->part], walk -> first_layer,
                           walk -> n_layers, walk -> input == OCLSTM__NO_WALK ? -1 : (int)walk -> input);
    if (walk->other != OCLSTM__NO_WALK) {
      at += (size_t)snprintf(text + at, size - at, "&%zu", walk->other);
    }
    at += (size_t)snprintf(text + at, size - at, "%.*s%s", walk->order != OCLSTM__ORDER_TIME,
                           walk->order == OCLSTM__ORDER_ROWS ? "r" : "m", walk->head ? "H" : "");
  }
  oclstm_model_destroy(&model);
}

static void assert_schedule(const char *layers, size_t head, bool one_chunk, const char *expected) {
  char text[512];
  for (int ragged = 0; ragged < 2; ++ragged) {
    write_schedule(layers, head, one_chunk, ragged, text, sizeof text);
    assert_string_equal(text, expected);
  }
}

static void assert_orders(const char *layers, size_t head, const char *even, const char *ragged) {
  char text[512];
  write_schedule(layers, head, false, false, text, sizeof text);
  assert_string_equal(text, even);
  write_schedule(layers, head, false, true, text, sizeof text);
  assert_string_equal(text, ragged);
}

static void schedule_of_go_backwards_has_another_order(void **unused) {
  (void)unused;
  assert_schedule("fk", 2, true, ">W0+2@-1H");
  assert_orders("k", 2, "<W0+1@-1mH", "<W0+1@-1rH >W1+0@0");
  assert_orders("kf", 2, "<W0+1@-1m >W1+1@0H", "<W0+1@-1r >W1+1@0H");
  assert_orders("kkb", 0, "<W0+1@-1m <W1+1@0m <R2+1@1 >F2+1@1&2", "<W0+1@-1r <W1+1@0r <R2+1@1 >F2+1@1&2");
  assert_orders("bNr", 0, "<R0+1@-1 >F0+1@-1&0 <W1+1@1m <W2+1@2", "<R0+1@-1 >F0+1@-1&0 <W1+1@1r <W2+1@2");
}

static void schedule_is_one_walk_when_all_fits(void **unused) {
  (void)unused;
  assert_schedule("b", 0, true, ">W0+1@-1");
  assert_schedule("frbf", 2, true, ">W0+4@-1H");
}

static void schedule_of_forward_layers_has_no_store(void **unused) {
  (void)unused;
  assert_schedule("f", 0, false, ">W0+1@-1");
  assert_schedule("ffff", 3, false, ">W0+4@-1H");
}

static void schedule_turns_where_the_order_changes(void **unused) {
  (void)unused;
  assert_schedule("r", 2, false, "<W0+1@-1H");
  assert_schedule("rr", 0, false, "<W0+1@-1 <W1+1@0");
  assert_schedule("ffrf", 2, false, ">W0+2@-1 <W2+1@0 >W3+1@1H");
}

static void schedule_of_bidirectional_layers_merges_and_goes_on(void **unused) {
  (void)unused;
  assert_schedule("b", 2, false, "<R0+1@-1 >F0+1@-1&0H");
  assert_schedule("bff", 2, false, "<R0+1@-1 >F0+3@-1&0H");
  assert_schedule("bb", 2, false, "<R0+1@-1 >F0+1@-1&0 <R1+1@1 >F1+1@1&2H");
  assert_schedule("fbfrb", 0, false, ">W0+1@-1 <R1+1@0 >F1+2@0&1 <W3+1@2 <R4+1@3 >F4+1@3&4");
}

/* Ids have one feature; halves and merges have R, concatenations D*R. */
static void schedule_knows_widths_of_merges_and_ids(void **unused) {
  (void)unused;
  const network_desc desc = {.layers = "SPAk", .input_size = 3, .embedding_size = 4, .seed = 1};
  oclstm_model *model = network_create(&desc);
  oclstm__walk walks[2 * MAX_LAYERS + 1];
  assert_int_equal(oclstm__schedule(model, false, true, walks), 8);
  const size_t in[] = {1, 1, 5, 5, 6, 6, 4, 8}, out[] = {5, 5, 3, 6, 4, 4, 8, 8};
  for (size_t w = 0; w < 8; ++w) {
    assert_int_equal(walks[w].width_in, in[w]);
    assert_int_equal(walks[w].width_out, out[w]);
  }
  assert_int_equal(walks[6].last_use, 7);
  oclstm_model_destroy(&model);
}

static void schedule_knows_widths_and_last_uses(void **unused) {
  (void)unused;
  const network_desc desc = {.layers = "bb", .input_size = 3, .head_size = 4, .seed = 1};
  oclstm_model *model = network_create(&desc);
  oclstm__walk walks[2 * MAX_LAYERS + 1];
  assert_int_equal(oclstm__schedule(model, false, false, walks), 4);
  const size_t in[] = {3, 3, 10, 10}, out[] = {5, 10, 6, 4}, last_use[] = {1, 3, 3, 3};
  for (size_t w = 0; w < 4; ++w) {
    assert_int_equal(walks[w].width_in, in[w]);
    assert_int_equal(walks[w].width_out, out[w]);
    assert_int_equal(walks[w].last_use, last_use[w]);
    assert_int_equal(walks[w].last_layer, w >= 2);
  }
  oclstm_model_destroy(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(schedule_is_one_walk_when_all_fits),
      cmocka_unit_test(schedule_of_forward_layers_has_no_store),
      cmocka_unit_test(schedule_turns_where_the_order_changes),
      cmocka_unit_test(schedule_of_bidirectional_layers_merges_and_goes_on),
      cmocka_unit_test(schedule_of_go_backwards_has_another_order),
      cmocka_unit_test(schedule_knows_widths_of_merges_and_ids),
      cmocka_unit_test(schedule_knows_widths_and_last_uses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
