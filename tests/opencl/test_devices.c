/* Finding devices by name, and what is said when there is none.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { MOST = 16 };

static void the_list_ends_with_the_reference(void **unused) {
  oclstm_device_info list[MOST];
  size_t count = 0;
  (void)unused;
  OK(oclstm_list_devices(list, MOST, &count, &last_error));
  assert_true(count >= 2 && count <= MOST);
  assert_string_equal(list[count - 1].id, "reference");
  assert_string_equal(list[0].id, "opencl:0:0");
  assert_true(list[0].usable && list[0].why_not[0] == '\0');
  assert_true(list[0].compute_units > 0 && list[0].memory_bytes > 0 && list[0].max_work_group > 0);
  assert_true(strncmp(list[0].version, "OpenCL ", 7) == 0);
}

static void counting_needs_no_room(void **unused) {
  oclstm_device_info one;
  size_t all = 0, again = 0;
  (void)unused;
  OK(oclstm_list_devices(NULL, 0, &all, &last_error));
  OK(oclstm_list_devices(&one, 1, &again, &last_error));
  assert_int_equal(all, again);
  FAILS(OCLSTM_E_ARGUMENT, "count", oclstm_list_devices(NULL, 0, NULL, &last_error));
  FAILS(OCLSTM_E_ARGUMENT, "capacity 3", oclstm_list_devices(NULL, 3, &all, &last_error));
}

static oclstm_status open_named(const char *name, char id[32]) {
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_context *context = NULL;
  desc.device = name;
  oclstm_status status = oclstm_context_create(&desc, &context, &last_error);
  if (status == OCLSTM_OK) {
    strcpy(id, oclstm_context_device(context)->id);
  } else {
    assert_null(context);
  }
  oclstm_context_destroy(&context);
  return status;
}

static void names_that_answer(void **unused) {
  const oclstm_device_info *info = oclstm_context_device(device);
  char part[128], id[32];
  (void)unused;
  strcpy(part, info->name + 1);
  for (char *p = part; *p != '\0'; ++p) { /* another case than the name has */
    *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
  }
  const char *const names[] = {NULL, "cpu", "opencl:0:0", info->name, part};
  for (size_t k = 0; k < sizeof names / sizeof names[0]; ++k) {
    OK(open_named(names[k], id));
    assert_string_equal(id, "opencl:0:0");
  }
  OK(open_named("reference", id));
  assert_string_equal(id, "reference");
}

/* A device asked for and absent is an error, never another device. */
static void names_that_do_not(void **unused) {
  char id[32];
  (void)unused;
  FAILS(OCLSTM_E_DEVICE, "\"gpu\"", open_named("gpu", id));
  FAILS(OCLSTM_E_DEVICE, "\"opencl:0:7\"", open_named("opencl:0:7", id));
  FAILS(OCLSTM_E_DEVICE, "\"opencl:\"", open_named("opencl:", id));
  FAILS(OCLSTM_E_DEVICE, "\"quantum\"", open_named("quantum", id));
  FAILS(OCLSTM_E_DEVICE, "empty", open_named("", id));
}

static void free_nothing(void *user, void *pointer) {
  (void)user;
  (void)pointer;
}

static void bad_descriptors(void **unused) {
  oclstm_context_desc desc = OCLSTM_CONTEXT_DESC_INIT;
  oclstm_context *context = NULL;
  (void)unused;
  FAILS(OCLSTM_E_ARGUMENT, "context", oclstm_context_create(&desc, NULL, &last_error));
  desc.struct_size = 1;
  FAILS(OCLSTM_E_ARGUMENT, "1 bytes", oclstm_context_create(&desc, &context, &last_error));
  desc = (oclstm_context_desc)OCLSTM_CONTEXT_DESC_INIT;
  desc.allocator.free = free_nothing;
  FAILS(OCLSTM_E_ARGUMENT, "allocator", oclstm_context_create(&desc, &context, &last_error));
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_list_ends_with_the_reference),
      cmocka_unit_test(counting_needs_no_room),
      cmocka_unit_test(names_that_answer),
      cmocka_unit_test(names_that_do_not),
      cmocka_unit_test(bad_descriptors),
  };
  read_options(argc, argv);
  return run_device_tests("opencl.devices", tests, sizeof tests / sizeof tests[0]);
}
