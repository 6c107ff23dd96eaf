/* A plan compiles the programs and, in them, the kernels that its runs may use, and no other.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "opencl/plan.h"
#include "support.h"

enum { MOST = 64, NAME_BYTES = 64 };

/* What a plan holds: kernels, each once, and the programs that they are of. */
typedef struct holdings {
  size_t n_kernels, n_programs;
  struct {
    cl_program program;
    char name[NAME_BYTES];
  } kernels[MOST];
  cl_program programs[MOST];
} holdings;

static void hold(holdings *h, cl_kernel kernel) {
  cl_program program = NULL;
  char name[NAME_BYTES];
  size_t k = 0;
  if (kernel == NULL) {
    return;
  }
  assert_int_equal(clGetKernelInfo(kernel, CL_KERNEL_PROGRAM, sizeof program, &program, NULL), CL_SUCCESS);
  assert_int_equal(clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL), CL_SUCCESS);
  while (k < h->n_kernels && (h->kernels[k].program != program || strcmp(h->kernels[k].name, name) != 0)) {
    ++k;
  }
  if (k == h->n_kernels) {
    assert_true(h->n_kernels < MOST);
    h->kernels[k].program = program;
    strcpy(h->kernels[k].name, name);
    ++h->n_kernels;
  }
  for (k = 0; k < h->n_programs && h->programs[k] != program; ++k) {
  }
  if (k == h->n_programs) {
    h->programs[h->n_programs++] = program;
  }
}

/* All but the kernels of products, which are one to a program. */
static void hold_plan(holdings *h, const oclstm__cl_plan *plan) {
  hold(h, plan->pack_rows);
  hold(h, plan->gather_rows);
  hold(h, plan->unpack_rows[0]);
  hold(h, plan->unpack_rows[1]);
  hold(h, plan->head_bias);
  for (size_t r = 0; r < 2 * plan->base.model->n_layers; ++r) {
    const oclstm__runner *runner = &plan->runners[r];
    hold(h, runner->norm_input);
    for (size_t k = 0; k < runner->n_stages; ++k) {
      hold(h, runner->stages[k].kernel[0]);
      hold(h, runner->stages[k].kernel[1]);
    }
  }
}

static void assert_all_are_held(const holdings *h) {
  for (size_t p = 0; p < h->n_programs; ++p) {
    char names[512];
    size_t compiled = 0, held = 0;
    assert_int_equal(
        clGetProgramInfo(h->programs[p], CL_PROGRAM_NUM_KERNELS, sizeof compiled, &compiled, NULL),
        CL_SUCCESS);
    assert_int_equal(clGetProgramInfo(h->programs[p], CL_PROGRAM_KERNEL_NAMES, sizeof names, names, NULL),
                     CL_SUCCESS);
    for (size_t k = 0; k < h->n_kernels; ++k) {
      held += h->kernels[k].program == h->programs[p];
    }
    if (compiled != held) {
      fail_msg("%zu kernels compiled, %zu used: %s", compiled, held, names);
    }
  }
}

static size_t of_products, of_others; /* programs compiled */

static void count_programs(void *unused, oclstm_log_level level, const char *line) {
  (void)unused;
  (void)level;
  if (strstr(line, "] compiled") != NULL) {
    ++*(strstr(line, "program gemm ") != NULL ? &of_products : &of_others);
  }
}

/* Products of a plan. Those that CLBlast makes have no program of ours, the others have one between them or more. */
static size_t products(const oclstm__cl_plan *plan) {
  size_t n = plan->head != NULL;
  for (size_t r = 0; r < 2 * plan->base.model->n_layers; ++r) {
    n += plan->runners[r].input != NULL;
    for (size_t k = 0; k < plan->runners[r].n_stages; ++k) {
      n += plan->runners[r].stages[k].gemm != NULL;
    }
  }
  return strcmp(plan->gemm->name, "plain") == 0 ? n : 0;
}

/* Makes a plan in a context of its own. */
static void check(const oclstm_model *model, oclstm_precision precision, bool cells) {
  static holdings h;
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_context *context = NULL;
  oclstm_plan *plan = NULL;
  desc.device = options.device;
  desc.log = (oclstm_log){count_programs, NULL};
  of_products = of_others = 0;
  memset(&h, 0, sizeof h);
  OK(oclstm_context_create(&desc, &context, &last_error));
  oclstm_plan_desc of_plan = plan_desc(context, model, 2, 3, cells);
  of_plan.precision = precision;
  OK(oclstm_plan_create(context, model, &of_plan, &plan, &last_error));
  const oclstm__cl_plan *p = oclstm__cl_plan_of(plan);
  hold_plan(&h, p);
  assert_all_are_held(&h);
  assert_int_equal(of_others, h.n_programs);
  assert_true(of_products <= products(p) && (of_products > 0) == (products(p) > 0));
  assert_true((p->gather_rows != NULL) == (model->embedding_size != 0));
  assert_true((p->head_bias != NULL) == (model->head_size != 0));
  oclstm_plan_destroy(&plan);
  oclstm_context_destroy(&context);
}

static void layers_alone(void **unused) {
  oclstm_model *model = make_network(&FORWARD[0], options.seed);
  (void)unused;
  check(model, OCLSTM_PRECISION_F32, false);
  check(model, OCLSTM_PRECISION_F32, true);
  if (options.gemm != OCLSTM_GEMM_CLBLAST) {
    check(model, OCLSTM_PRECISION_F16, false);
    check(model, OCLSTM_PRECISION_F16, true);
  }
  oclstm_model_destroy(&model);
}

static void embedding_and_head(void **unused) {
  const oclstm_layer layer = {.input_size = 5, .hidden_size = 16, .bias = OCLSTM_BIAS_TWO};
  (void)unused;
  for (size_t k = 0; k < 4; ++k) {
    const bool head = (k & 1) != 0, embedding = (k & 2) != 0;
    oclstm_model *model = make_layers(&layer, 1, head ? 3 : 0, embedding ? 7 : 0, options.seed);
    check(model, OCLSTM_PRECISION_F32, false);
    oclstm_model_destroy(&model);
  }
}

static void layer_norms(void **unused) {
  static const oclstm_layer_norm NORMS[] = {OCLSTM_NORM_HASTE, OCLSTM_NORM_TFLITE};
  (void)unused;
  for (size_t k = 0; options.strategy == OCLSTM_STRATEGY_STEPWISE && k < 2; ++k) {
    const oclstm_layer layer = {
        .input_size = 5, .hidden_size = 16, .bias = OCLSTM_BIAS_ONE, .layer_norm = NORMS[k]};
    oclstm_model *model = make_layers(&layer, 1, 0, 0, options.seed);
    check(model, OCLSTM_PRECISION_F32, false);
    oclstm_model_destroy(&model);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(layers_alone), cmocka_unit_test(embedding_and_head),
                                     cmocka_unit_test(layer_norms)};
  read_options(argc, argv);
  return run_device_tests("opencl.programs", tests, sizeof tests / sizeof tests[0]);
}
