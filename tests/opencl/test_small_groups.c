/* A device whose work-groups are too small for CLBlast: AUTO takes our own product and says so, CLBlast by name is refused.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "support.h"

static void our_own_product_takes_over(void **unused) {
  oclstm_model *model = make_network(&FORWARD[0], options.seed);
  oclstm_plan_desc desc = OCLSTM_PLAN_DESC_INIT;
  oclstm_plan *plan = NULL;
  (void)unused;
  assert_true(oclstm_context_device(device)->max_work_group < 64);
  desc.strategy = OCLSTM_STRATEGY_STEPWISE;
  OK(oclstm_plan_create(device, model, &desc, &plan, &last_error));
  assert_string_equal(oclstm_plan_get_info(plan)->gemm, "plain");
  assert_non_null(strstr(oclstm_plan_get_info(plan)->reason, "CLBlast needs work-groups of 64"));
  oclstm_plan_destroy(&plan);
  desc.gemm = OCLSTM_GEMM_CLBLAST;
  FAILS(OCLSTM_E_UNSUPPORTED, "work-groups of 64",
        oclstm_plan_create(device, model, &desc, &plan, &last_error));
  oclstm_model_destroy(&model);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(our_own_product_takes_over)};
  read_options(argc, argv);
  return run_device_tests("opencl.small_groups", tests, 1);
}
