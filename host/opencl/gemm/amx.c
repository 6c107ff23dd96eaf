/* Whether a device has, and gets right, the matrix instructions of x86 processors (kernels/tile_amx.cl): what the processor
 * says, a probe on the device (kernels/probe_amx.cl) and a trial. PoCL's kernels run on this processor: where it says no,
 * nothing is compiled.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "opencl/device/cl.h"
#include "opencl/device/program.h"
#include "opencl/gemm/gemm.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
static bool processor_has_tiles(void) {
  const unsigned wanted = 1U << 22 | 1U << 24; /* AMX_BF16, AMX_TILE */
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & wanted) == wanted;
}
#else
static bool processor_has_tiles(void) {
  return false;
}
#endif

/* As in kernels/probe_amx.cl. */
static const char *const ANSWERS[] = {"this processor has no AMX_BF16", "the system keeps no tiles of AMX",
                                      "the system did not permit AMX to this process"};
enum { AMX_SERVES = sizeof ANSWERS / sizeof ANSWERS[0] };

oclstm_status oclstm__probe_amx(oclstm__cl *cl, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm__build build = {.stem = "probe_amx"};
  cl_kernel kernel = NULL;
  cl_mem place = NULL;
  cl_int answer = 0;
  uint64_t bytes = 0;
  TRY(oclstm__buffer_create(cl, sizeof answer, "probe", &place, &bytes, error));
  TRY(oclstm__kernel_create(cl, &build, "probe_amx", &kernel, error));
  const oclstm__arg args[] = {{sizeof place, &place}};
  TRY(oclstm__set_args(kernel, 0, args, 1, error));
  TRY(oclstm__enqueue_items(cl, kernel, 1, 1, error));
  TRY(oclstm__cl_read(cl, place, sizeof answer, &answer, error));
  REQUIRE(answer == AMX_SERVES, OCLSTM_E_UNSUPPORTED, "%s",
          answer >= 0 && answer < AMX_SERVES ? ANSWERS[answer] : "AMX: an answer that has no meaning");
done:
  oclstm__kernel_release(&kernel);
  oclstm__buffer_release(&place);
  return status;
}

/* The trial has whole tiles and partial ones, whole steps of K and a rest. */
static oclstm_status ask(oclstm__cl *cl, oclstm_precision precision, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  REQUIRE(precision != OCLSTM_PRECISION_F16, OCLSTM_E_UNSUPPORTED, "amx multiplies f32 and bf16, not f16");
  REQUIRE(cl->base.device.type == OCLSTM_DEVICE_CPU && cl->vector_width == 16, OCLSTM_E_UNSUPPORTED,
          "amx needs a CPU device with vectors of 16, this one has %u", cl->vector_width);
  REQUIRE(processor_has_tiles(), OCLSTM_E_UNSUPPORTED, "%s", ANSWERS[0]);
  TRY(oclstm__probe_amx(cl, error));
  TRY(oclstm__gemm_trial(cl, &oclstm__gemm_amx, precision, error));
  (void)atomic_fetch_or(&cl->amx, 1U << precision);
done:
  return status;
}

bool oclstm__amx_serves(oclstm__cl *cl, oclstm_precision precision, char *text, size_t bytes) {
  oclstm_error error = {.status = OCLSTM_OK};
  if ((atomic_load(&cl->amx) >> precision & 1U) != 0 || ask(cl, precision, &error) == OCLSTM_OK) {
    return true;
  }
  (void)snprintf(text, bytes, "%.180s", error.text);
  return false;
}
