/* Jobs of every cell, merge, order and embedding against one long forward call.
 *
 * A device that does not compute a network must refuse it by a name of the list REFUSALS; such networks are counted. On the
 * reference nothing may be refused.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "runs.h"

/* What devices may refuse. */
static const char *const REFUSALS[] = {"strategy fused-step does not support layer_norm",
                                       "strategy rows does not support", NULL};

static size_t n_ran, n_refused;

static bool may_refuse(const char *text) {
  for (size_t k = 0; REFUSALS[k] != NULL; ++k) {
    if (strstr(text, REFUSALS[k]) != NULL) {
      return strcmp(options.device, "reference") != 0;
    }
  }
  return false;
}

/* Counts; fails on a refusal that is not in the list. */
static bool is_supported(const network_desc *network) {
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  oclstm_model *model = network_create(network);
  oclstm_plan_desc plan = OCLSTM_PLAN_DESC_INIT;
  plan.strategy = options.strategy;
  plan.gemm = options.gemm;
  oclstm_status status = oclstm_supports(device, model, &plan, &error);
  oclstm_model_destroy(&model);
  if (status == OCLSTM_OK) {
    ++n_ran;
    return true;
  }
  if (status != OCLSTM_E_UNSUPPORTED || !may_refuse(error.text)) {
    fail_msg("network %s: %s: %s", network->layers, oclstm_status_name(status), error.text);
  }
  ++n_refused;
  return false;
}

static void check(const char *layers, size_t head, size_t embedding) {
  const network_desc network = {
      .layers = layers, .input_size = I, .head_size = head, .embedding_size = embedding, .seed = 9};
  if (is_supported(&network)) {
    check_network(&network, !options.small);
  }
}

static void job_of_layers_that_go_backwards(void **unused) {
  (void)unused;
  check("k", 0, 0);
  check("k", 4, 0);
  check("K", 3, 0);
  check("kf", 2, 0);
  check("kr", 2, 0);
  check("fk", 0, 0);
  check("kb", 0, 0);
  check("fkf", 2, 0);
  check("kk", 3, 0);
  check("kkk", 0, 0);
  check("bkN", 2, 0);
}

static void job_of_merged_directions(void **unused) {
  (void)unused;
  check("S", 0, 0);
  check("M", 2, 0);
  check("A", 3, 0);
  check("SMA", 0, 0);
  check("fMfk", 2, 0);
}

static void job_of_projections(void **unused) {
  (void)unused;
  check("p", 2, 0);
  check("P", 0, 0);
  check("pPp", 3, 0);
  check("PAP", 0, 0);
}

static void job_of_cells_without_c(void **unused) {
  (void)unused;
  check("g", 2, 0);
  check("n", 0, 0);
  check("G", 3, 0);
  check("N", 2, 0);
  check("gNGn", 0, 0);
  check("Gfg", 2, 0);
}

static void job_of_variants(void **unused) {
  (void)unused;
  check("h", 2, 0);
  check("t", 2, 0);
  check("x", 2, 0);
  check("z", 0, 0);
  check("zhtx", 3, 0);
}

static void job_of_states_of_the_model(void **unused) {
  (void)unused;
  check("i", 2, 0);
  check("iGi", 0, 0);
}

static void job_of_embeddings(void **unused) {
  (void)unused;
  check("f", 2, 11);
  check("b", 0, 11);
  check("r", 2, 11);
  check("k", 0, 1);
  check("bff", 2, 50);
  check("Skg", 2, 11);
}

static void job_names_the_step_of_a_foreign_id(void **unused) {
  (void)unused;
  const network_desc network = {.layers = "b", .input_size = I, .embedding_size = 11, .seed = 9};
  if (!is_supported(&network)) {
    return;
  }
  static const int32_t FOREIGN[] = {11, -1, INT32_MAX};
  static const char *const TEXTS[] = {"id 11 at step 70 of row 3, the embedding has 11 rows",
                                      "id -1 at step 70 of row 3", "id 2147483647 at step 70 of row 3"};
  const uint64_t lengths[B] = {T, T, T, 71, T};
  for (size_t k = 0; k < 3; ++k) {
    bench b;
    int32_t ids[T * B] = {0};
    memory_array from = {.floats = (void *)ids, .step = B};
    const oclstm_source source = {&from, B, T, 1, lengths, read_memory};
    oclstm_job_desc job = OCLSTM_JOB_DESC_INIT;
    open_bench(&b, &network, B, 16, false);
    job.plan = b.plan;
    job.state = b.state;
    job.source = &source;
    ids[71 * B + 3] = FOREIGN[k]; /* behind the row's length */
    assert_ok(oclstm_job_run(&job, &b.error), &b.error);
    ids[70 * B + 3] = FOREIGN[k];
    assert_status(oclstm_job_run(&job, &b.error), OCLSTM_E_INDEX);
    assert_non_null(strstr(b.error.text, TEXTS[k]));
    close_bench(&b);
  }
}

static void job_memory_of_go_backwards_does_not_grow(void **unused) {
  (void)unused;
  static const char *const NETWORKS[] = {"k", "kf"};
  for (size_t k = 0; k < 2; ++k) {
    const network_desc network = {.layers = NETWORKS[k], .input_size = I, .seed = 9};
    if (is_supported(&network)) {
      assert_bounded_memory(NETWORKS[k], true);
      assert_bounded_memory(NETWORKS[k], false);
    }
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(job_of_layers_that_go_backwards),
      cmocka_unit_test(job_of_merged_directions),
      cmocka_unit_test(job_of_projections),
      cmocka_unit_test(job_of_cells_without_c),
      cmocka_unit_test(job_of_variants),
      cmocka_unit_test(job_of_states_of_the_model),
      cmocka_unit_test(job_of_embeddings),
      cmocka_unit_test(job_memory_of_go_backwards_does_not_grow),
      cmocka_unit_test(job_names_the_step_of_a_foreign_id),
  };
  read_options(argc, argv);
  int failed = run_device_tests("job.cells", tests, sizeof tests / sizeof tests[0]);
  print_message("networks: %zu ran, %zu refused by name\n", n_ran, n_refused);
  return failed;
}
