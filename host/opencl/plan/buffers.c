/* The buffers of a plan: what is between layers and at the ends, and what of it is left when all choices are made.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/device/layout.h"
#include "opencl/plan.h"
#include "opencl/plan/rows.h"
#include "opencl/plan/sizes.h"
#include "opencl/strategies/beside.h"
#include "opencl/strategies/explain.h"
#include "opencl/strategies/strategy.h"

/* What they are accounted as. */
static const char ACTIVATIONS[] = "activations";
static const char GX[] = "input projection";
static const char PRODUCT[] = "recurrent product";

/* ---- making them ---- */

/* Rows of buffers that products read or write: whole blocks, from any row on where layers are multiplied block by block. */
static size_t padded_rows(const oclstm__cl_plan *plan) {
  const size_t rows = plan->base.desc.steps * plan->base.desc.rows;
  return oclstm__round_up(rows, OCLSTM__ROW_BLOCK) + (plan->n_gx > 1 ? OCLSTM__ROW_BLOCK : 0);
}

static oclstm_status create_equal(oclstm__cl_plan *plan, const char *purpose, uint64_t bytes, size_t n,
                                  cl_mem *buffers, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  for (size_t k = 0; k < n; ++k) {
    TRY(oclstm__buffer_create(oclstm__plan_cl(plan), bytes, purpose, &buffers[k], &plan->device_bytes,
                              error));
  }
  oclstm__account(plan, purpose);
done:
  return status;
}

static oclstm_status create_many(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__widths w = oclstm__plan_widths(plan->base.model, false);
  const size_t rows = padded_rows(plan);
  plan->activation_bytes = rows * w.activation * oclstm__stored_bytes(plan->base.desc.precision);
  plan->gx_bytes = rows * w.gates * sizeof(float);
  TRY(create_equal(plan, ACTIVATIONS, plan->activation_bytes, plan->n_activations, plan->activations, error));
  TRY(create_equal(plan, GX, plan->gx_bytes, plan->n_gx, plan->gx, error));
done:
  return status;
}

static oclstm_status create_buffers(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  const oclstm__widths w = oclstm__plan_widths(plan->base.model, plan->base.desc.cells != 0);
  const oclstm_plan_desc *desc = &plan->base.desc;
  size_t B = desc->rows;
  size_t rows = padded_rows(plan);
  bool stepwise = desc->strategy == OCLSTM_STRATEGY_STEPWISE || desc->strategy == OCLSTM_STRATEGY_AUTO;
  const struct {
    const char *name;
    cl_mem *buffer;
    size_t elements, bytes; /* bytes of an element */
  } table[] = {
      {"rows in the caller's layout", &plan->caller, rows * w.caller, sizeof(float)},
      {"cells", &plan->cells, rows * w.cells, sizeof(float)},
      {PRODUCT, &plan->product, stepwise ? B * w.product : 0, sizeof(float)},
      {"lengths", &plan->given_lengths, B, sizeof(cl_int)},
      {"order of rows", &plan->given_order, B, sizeof(cl_int)},
  };
  for (size_t k = 0; k < sizeof table / sizeof table[0]; ++k) {
    if (table[k].elements > 0) {
      TRY(oclstm__buffer_create(cl, table[k].elements * table[k].bytes, table[k].name, table[k].buffer,
                                &plan->device_bytes, error));
      oclstm__account(plan, table[k].name);
    }
  }
done:
  return status;
}

/* For calls without lengths. */
static oclstm_status create_no_lengths(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__cl *cl = oclstm__plan_cl(plan);
  size_t B = plan->base.desc.rows;
  cl_int *endless = oclstm__alloc(&cl->base.allocator, B, sizeof *endless);
  REQUIRE(endless != NULL, OCLSTM_E_MEMORY, "lengths of %zu rows", B);
  for (size_t b = 0; b < B; ++b) {
    endless[b] = CL_INT_MAX;
  }
  plan->sorted = oclstm__alloc(&cl->base.allocator, B, sizeof *plan->sorted);
  REQUIRE(plan->sorted != NULL, OCLSTM_E_MEMORY, "order of %zu rows", B);
  oclstm__order_rows(NULL, B, plan->sorted);
  TRY(oclstm__buffer_from(cl, endless, B * sizeof *endless, "lengths", &plan->no_lengths, &plan->device_bytes,
                          error));
  TRY(oclstm__buffer_from(cl, plan->sorted, B * sizeof *plan->sorted, "order of rows", &plan->no_order,
                          &plan->device_bytes, error));
  plan->order = plan->no_order;
  plan->lengths = plan->no_lengths;
  oclstm__account(plan, "lengths");
done:
  oclstm__free(&cl->base.allocator, endless);
  return status;
}

oclstm_status oclstm__buffers_create(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  TRY(create_many(plan, error));
  TRY(create_buffers(plan, error));
  TRY(create_no_lengths(plan, error));
done:
  return status;
}

void oclstm__buffers_release(oclstm__cl_plan *plan) {
  cl_mem *buffers[] = {&plan->caller,         &plan->cells,
                       &plan->product,        &plan->given_lengths,
                       &plan->no_lengths,     &plan->given_order,
                       &plan->no_order,       &plan->borrowed_x.mem,
                       &plan->borrowed_y.mem, &plan->borrowed_cells.mem};
  for (size_t k = 0; k < sizeof buffers / sizeof buffers[0]; ++k) {
    oclstm__buffer_release(buffers[k]);
  }
  for (size_t k = 0; k < plan->n_activations; ++k) {
    oclstm__buffer_release(&plan->activations[k]);
  }
  for (size_t k = 0; k < plan->n_gx; ++k) {
    oclstm__buffer_release(&plan->gx[k]);
  }
  oclstm__free(&plan->base.context->allocator, plan->sorted);
}

/* ---- what is left ---- */

static void release(oclstm__cl_plan *plan, cl_mem *buffer, const char *purpose) {
  oclstm__buffer_release(buffer);
  oclstm__discharge(plan, purpose);
}

/* Of several equal ones, as many as are wanted. */
static void keep(oclstm__cl_plan *plan, const char *purpose, uint64_t bytes, size_t wanted, size_t *n,
                 cl_mem *buffers) {
  for (; *n > wanted; --*n) {
    oclstm__buffer_release(&buffers[*n - 1]);
    oclstm__credit(plan, purpose, bytes);
  }
}

/* What is for layers that might have run side by side and do not. */
static void settle_beside(oclstm__cl_plan *plan) {
  const size_t L = plan->base.model->n_layers;
  size_t longest = 1;
  bool both = false;
  for (size_t l = 0; l < L; ++l) {
    const size_t chain = oclstm__chain(plan, l, L - l);
    longest = oclstm__max(longest, chain);
    both |= oclstm__directions_beside(plan, l);
  }
  const size_t n_gx = oclstm__min(plan->n_gx, both ? oclstm__max(longest, 2) : longest);
  keep(plan, ACTIVATIONS, plan->activation_bytes, longest + 1, &plan->n_activations, plan->activations);
  keep(plan, GX, plan->gx_bytes, n_gx, &plan->n_gx, plan->gx);
}

/* Where every runner makes its own projection, all but what the head needs. */
static oclstm_status settle_gx(oclstm__cl_plan *plan, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const size_t head = plan->base.model->head_size;
  bool projected = false;
  for (size_t k = 0; k < 2 * plan->base.model->n_layers; ++k) {
    projected |= plan->runners[k].input != NULL;
  }
  if (projected) {
    return OCLSTM_OK;
  }
  release(plan, &plan->gx[0], GX);
  if (head > 0) {
    plan->gx_bytes = padded_rows(plan) * head * sizeof(float);
    TRY(create_equal(plan, "y of the head", plan->gx_bytes, 1, plan->gx, error));
  }
done:
  return status;
}

oclstm_status oclstm__buffers_settle(oclstm__cl_plan *plan, oclstm_error *error) {
  bool stepwise = false;
  for (size_t k = 0; k < 2 * plan->base.model->n_layers; ++k) {
    stepwise |= plan->runners[k].choice.strategy == &oclstm__stepwise;
  }
  if (!stepwise && plan->product != NULL) {
    release(plan, &plan->product, PRODUCT);
  }
  settle_beside(plan);
  return settle_gx(plan, error);
}
