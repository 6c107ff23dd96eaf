/* Threads of a launch that share a processor: the later one moves, and is allowed the same processors afterwards. Those that
 * never meet look for each other at the beginning.
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>

#include "opencl/device/cl.h"
#include "opencl/device/coresidency.h"
#include "opencl/device/kernel_sources.h"
#include "support.h"

enum { GROUPS = 2, WORDS = GROUPS * OCLSTM__SYNC_WORDS };
enum { BEFORE, AFTER, SEAT_LEFT, MASKS, MASK_WORDS = 2 * 64, OUT_WORDS = MASKS + 2 * MASK_WORDS };

/* Group 1 alone: it finds group 0 on its own processor, or, where not `same`, on the next one. */
static const char KERNEL[] =
    "__kernel void seats(volatile __global int *places, volatile __global int *out, int same) {\n"
    "  __local int answer;\n"
    "  const meeting m = {places, places, (int)get_group_id(0), 2, 2, 1, &answer};\n"
    "  if (get_group_id(0) == 1) {\n"
    "    out[0] = processor();\n"
    "    places[SYNC_SEAT] = same ? out[0] + 1 : out[0] + 2;\n"
    "    system_call(SYS_GET_AFFINITY, 0, 512, (long)(out + 3));\n"
    "    take_own_seat(&m);\n"
    "    system_call(SYS_GET_AFFINITY, 0, 512, (long)(out + 3 + 128));\n"
    "    out[1] = processor();\n"
    "    out[2] = places[SYNC_WORDS + SYNC_SEAT] - 1;\n"
    "  }\n"
    "}\n"
    /* Each group: how many seats are taken when it begins. */
    "__kernel void company(volatile __global int *places, volatile __global int *out, int company) {\n"
    "  __local int answer;\n"
    "  bool shared;\n"
    "  const meeting m = {places, places, (int)get_group_id(0), 2, 2, 1, &answer};\n"
    "  take_seat_in_company(&m, company);\n"
    "  out[get_group_id(0)] = look_at_seats(&m, 2, &shared);\n"
    "}\n";

static cl_kernel make_kernel(const oclstm__cl *cl, const char *name) {
  const oclstm__kernel_source *source = oclstm__find_kernel_source("sync");
  assert_int_equal(source->n_texts, 3); /* common.cl, system.cl, itself */
  const char *texts[] = {source->texts[0], source->texts[1], source->texts[2], KERNEL};
  cl_int code = CL_SUCCESS;
  cl_program program = clCreateProgramWithSource(cl->context, 4, texts, NULL, &code);
  assert_int_equal(code, CL_SUCCESS);
  assert_int_equal(clBuildProgram(program, 1, &cl->device, "-cl-std=CL1.2 -DVW=1", NULL, NULL), CL_SUCCESS);
  cl_kernel kernel = clCreateKernel(program, name, &code);
  assert_int_equal(code, CL_SUCCESS);
  (void)clReleaseProgram(program);
  return kernel;
}

static void take_seats(const oclstm__cl *cl, cl_kernel kernel, cl_int how, cl_int out[OUT_WORDS]) {
  static const size_t items = GROUPS, local = 1;
  static const cl_int zeros[OUT_WORDS]; /* more than places have */
  cl_mem places = clCreateBuffer(cl->context, CL_MEM_COPY_HOST_PTR, WORDS * sizeof(cl_int),
                                 (void *)(uintptr_t)zeros, NULL);
  cl_mem result =
      clCreateBuffer(cl->context, CL_MEM_COPY_HOST_PTR, sizeof zeros, (void *)(uintptr_t)zeros, NULL);
  assert_int_equal(clSetKernelArg(kernel, 0, sizeof places, &places), CL_SUCCESS);
  assert_int_equal(clSetKernelArg(kernel, 1, sizeof result, &result), CL_SUCCESS);
  assert_int_equal(clSetKernelArg(kernel, 2, sizeof how, &how), CL_SUCCESS);
  assert_int_equal(clEnqueueNDRangeKernel(cl->queue, kernel, 1, NULL, &items, &local, 0, NULL, NULL),
                   CL_SUCCESS);
  assert_int_equal(
      clEnqueueReadBuffer(cl->queue, result, CL_TRUE, 0, OUT_WORDS * sizeof *out, out, 0, NULL, NULL),
      CL_SUCCESS);
  (void)clReleaseMemObject(places);
  (void)clReleaseMemObject(result);
}

/* The system may move a thread too, at any time: often enough is enough. */
static void the_later_one_moves(void **unused) {
  const oclstm__cl *cl = oclstm__cl_of(device);
  cl_int out[OUT_WORDS];
  cpu_set_t allowed;
  int moved = 0;
  (void)unused;
  cl_kernel kernel = make_kernel(cl, "seats");
  assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  if (CPU_COUNT(&allowed) < 2) {
    fail_msg("one processor: nobody can move");
  }
  for (int k = 0; k < 20; ++k) {
    take_seats(cl, kernel, 1, out);
    moved += out[BEFORE] != out[AFTER] && out[SEAT_LEFT] == out[AFTER];
    assert_true(CPU_ISSET((size_t)out[AFTER], &allowed));
    assert_memory_equal(out + MASKS, out + MASKS + MASK_WORDS, MASK_WORDS * sizeof(cl_int));
  }
  assert_true(moved > 10);
  (void)clReleaseKernel(kernel);
}

static void one_with_a_seat_of_its_own_stays(void **unused) {
  const oclstm__cl *cl = oclstm__cl_of(device);
  cl_int out[OUT_WORDS];
  int stayed = 0;
  (void)unused;
  cl_kernel kernel = make_kernel(cl, "seats");
  for (int k = 0; k < 20; ++k) {
    take_seats(cl, kernel, 0, out);
    stayed += out[BEFORE] == out[AFTER];
  }
  assert_true(stayed > 10);
  (void)clReleaseKernel(kernel);
}

/* Both are there when the first of them begins, unless one waits for another; threads may come late: sometimes is enough. */
static void those_that_never_meet_begin_together(void **unused) {
  const oclstm__cl *cl = oclstm__cl_of(device);
  cl_int out[OUT_WORDS];
  int together[2] = {0, 0};
  (void)unused;
  cl_kernel kernel = make_kernel(cl, "company");
  for (int k = 0; k < 200; ++k) {
    take_seats(cl, kernel, k % 2 == 0 ? GROUPS : 0, out);
    together[k % 2] += out[0] == GROUPS && out[1] == GROUPS;
  }
  assert_true(together[0] > 20);
  assert_true(together[1] < together[0]);
  (void)clReleaseKernel(kernel);
}

/* For a third one that does not come. */
static void nobody_waits_for_ever(void **unused) {
  const oclstm__cl *cl = oclstm__cl_of(device);
  cl_int out[OUT_WORDS];
  (void)unused;
  cl_kernel kernel = make_kernel(cl, "company");
  take_seats(cl, kernel, GROUPS + 1, out);
  assert_true(out[0] >= 1 && out[0] <= GROUPS);
  assert_true(out[1] >= 1 && out[1] <= GROUPS);
  (void)clReleaseKernel(kernel);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_later_one_moves), cmocka_unit_test(one_with_a_seat_of_its_own_stays),
      cmocka_unit_test(those_that_never_meet_begin_together), cmocka_unit_test(nobody_waits_for_ever)};
  read_options(argc, argv);
  return run_device_tests("kernels.seats", tests, 4);
}
