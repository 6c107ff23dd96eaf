/* How many steps a plan takes, and what memory it says it needs.
 * SPDX-License-Identifier: MIT */
#include "support.h"

static oclstm_plan *plan_with(const oclstm_model *model, size_t rows, size_t steps, uint64_t memory,
                              bool cells) {
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  oclstm_plan *plan = NULL;
  desc.rows = rows;
  desc.steps = steps;
  desc.memory_bytes = memory;
  desc.tuning = OCLSTM_TUNING_NONE;
  desc.cells = cells;
  OK(oclstm_plan_create(device, model, &desc, &plan, &last_error));
  return plan;
}

static void defaults_are_one_row_and_many_steps(void **unused) {
  oclstm_model *model = make_network(&HOUSE, options.seed);
  oclstm_plan *plan = plan_with(model, 0, 0, 0, false);
  (void)unused;
  assert_int_equal(oclstm_plan_get_info(plan)->rows, 1);
  assert_int_equal(oclstm_plan_get_info(plan)->steps, 4096);
  oclstm_plan_destroy(&plan);
  plan = plan_with(model, 512, 0, 0, false);
  /* 32 MiB of gates: 4 * 128 floats of 512 rows are 1 MiB a step */
  assert_int_equal(oclstm_plan_get_info(plan)->steps, 32);
  oclstm_plan_destroy(&plan);
  oclstm_model_destroy(&model);
}

static void what_was_asked_for_is_what_is_made(void **unused) {
  oclstm_model *model = make_network(&HOUSE, options.seed);
  oclstm_plan *plan = plan_with(model, 3, 17, 0, false);
  (void)unused;
  assert_int_equal(oclstm_plan_get_info(plan)->rows, 3);
  assert_int_equal(oclstm_plan_get_info(plan)->steps, 17);
  oclstm_plan_destroy(&plan);
  oclstm_model_destroy(&model);
}

/* The plan never takes more than it was given, and uses what it may. */
static void a_budget_is_kept(void **unused) {
  static const uint64_t BUDGETS[] = {4 << 20, 8 << 20, 32 << 20};
  oclstm_model *model = make_network(&HOUSE, options.seed);
  size_t before = 0;
  (void)unused;
  for (size_t k = 0; k < sizeof BUDGETS / sizeof BUDGETS[0]; ++k) {
    for (int cells = 0; cells < 2; ++cells) {
      oclstm_plan *plan = plan_with(model, 8, 0, BUDGETS[k], cells);
      const oclstm_plan_info *info = oclstm_plan_get_info(plan);
      assert_true(info->device_bytes <= BUDGETS[k]);
      assert_true(cells || info->steps > before);
      before = cells ? before : info->steps;
      oclstm_plan_destroy(&plan);
    }
  }
  oclstm_model_destroy(&model);
}

static void too_small_a_budget_is_refused(void **unused) {
  oclstm_model *model = make_network(&HOUSE, options.seed);
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  oclstm_plan *plan = NULL;
  (void)unused;
  desc.tuning = OCLSTM_TUNING_NONE;
  desc.memory_bytes = 4096;
  FAILS(OCLSTM_E_DEVICE_MEMORY, "memory_bytes is 4096",
        oclstm_plan_create(device, model, &desc, &plan, &last_error));
  desc.memory_bytes = 8 << 20;
  desc.steps = 1000000;
  FAILS(OCLSTM_E_DEVICE_MEMORY, "1000000 steps",
        oclstm_plan_create(device, model, &desc, &plan, &last_error));
  desc.memory_bytes = 0;
  desc.steps = SIZE_MAX / 2;
  FAILS(OCLSTM_E_LIMIT, "limit", oclstm_plan_create(device, model, &desc, &plan, &last_error));
  desc.steps = 1;
  desc.rows = SIZE_MAX / 2;
  FAILS(OCLSTM_E_LIMIT, "limit", oclstm_plan_create(device, model, &desc, &plan, &last_error));
  oclstm_model_destroy(&model);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults_are_one_row_and_many_steps),
      cmocka_unit_test(what_was_asked_for_is_what_is_made),
      cmocka_unit_test(a_budget_is_kept),
      cmocka_unit_test(too_small_a_budget_is_refused),
  };
  read_options(argc, argv);
  return run_device_tests("opencl.sizes", tests, sizeof tests / sizeof tests[0]);
}
