/* Outputs appear whole or not at all: full disks, folders, devices, links, and what was there before.
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* unshare */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "oclstm/oclstm_job.h"

static const uint64_t SMALL[] = {4};
static const uint64_t LARGE[] = {1 << 20};
static const float ONES[4] = {1.0F, 1.0F, 1.0F, 1.0F};
static const oclstm_layer LAYER = {.input_size = 64, .hidden_size = 64};

static oclstm_status create(const char *path, const uint64_t *shape, oclstm_error *error) {
  oclstm_npy *npy = NULL;
  oclstm_status status = oclstm_npy_create(path, 1, shape, &npy, error);
  if (status == OCLSTM_OK) {
    status = oclstm_npy_write_f32(npy, 0, 4, ONES, error);
    assert_int_equal(status, OCLSTM_OK);
    status = oclstm_npy_commit(&npy, error);
  }
  assert_null(npy);
  return status;
}

static void assert_untouched(const char *path) {
  buffer b = read_file(path);
  assert_int_equal(b.n, 3);
  assert_memory_equal(b.bytes, "old", 3);
  buffer_free(&b);
}

/* ---- full ---- */

/* Both writers on a place where 64 KiB fit, with an old file that must survive. */
static void assert_full(const char *path) {
  oclstm_model *model = random_model(&LAYER, 1, OCLSTM_F64, (around){0, 0, 0});
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  write_file(path, "old", 3);
  assert_status(create(path, LARGE, &error), OCLSTM_E_FULL, &error, "npy");
  assert_true(error.os_code != 0);
  assert_untouched(path);
  assert_status(oclstm_model_save(model, path, &error), OCLSTM_E_FULL, &error, "model");
  assert_untouched(path);
  assert_int_equal(create(path, SMALL, NULL),
                   OCLSTM_OK); /* nothing is left behind that would fill the place */
  oclstm_model_destroy(&model);
}

static void reports_a_file_size_limit(void **state) {
  (void)state;
  struct rlimit before;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  const struct rlimit small = {65536, before.rlim_max};
  const size_t n_files = count_files();
  (void)signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  assert_full(in_folder("limited"));
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  (void)signal(SIGXFSZ, SIG_DFL);
  assert_int_equal(count_files(), n_files + 1);
}

static int write_text(const char *path, const char *format, unsigned number) {
  FILE *file = fopen(path, "w");
  if (file == NULL) {
    return 0;
  }
  (void)fprintf(file, format, number);
  return fclose(file) == 0;
}

/* A mount namespace of our own, where that is allowed; who is not root becomes it, in a user namespace. */
static int may_mount(void) {
  const unsigned user = geteuid();
  const unsigned group = getegid();
  if (user != 0 && (unshare(CLONE_NEWUSER) != 0 || !write_text("/proc/self/setgroups", "deny", 0) ||
                    !write_text("/proc/self/uid_map", "0 %u 1", user) ||
                    !write_text("/proc/self/gid_map", "0 %u 1", group))) {
    return 0;
  }
  return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* The last test: the namespaces end with this process. */
static void reports_a_full_disk(void **state) {
  (void)state;
  const char *place = in_folder("disk");
  char path[512];
  assert_int_equal(mkdir(place, 0700), 0);
  if (!may_mount() || mount("tmpfs", place, "tmpfs", 0, "size=64k") != 0) {
    (void)rmdir(place);
    skip();
  }
  (void)snprintf(path, sizeof path, "%s/out", place);
  assert_full(path);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(umount(place), 0);
  assert_int_equal(rmdir(place), 0);
}

/* ---- places ---- */

/* Pipes and devices of our own: a writer that is broken must not get its hands on those of the system. A device needs
 * root; the pipe stands for it elsewhere. */
static void make_special_files(void) {
  assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
  if (mknod(in_folder("null"), S_IFCHR | 0600, makedev(1, 3)) != 0) {
    assert_int_equal(mkfifo(in_folder("null"), 0600), 0);
  }
}

static void refuses_places(void **state) {
  (void)state;
  static const char *const NAMES[] = {"folder", "folder/", "new/", "missing/x", "file/x",
                                      "file/",  "pipe",    "null", ""};
  static const char *const PATHS[] = {"", "/", ".", "..", "/proc/x"};
  enum { N_NAMES = sizeof NAMES / sizeof NAMES[0], N_PATHS = sizeof PATHS / sizeof PATHS[0] };
  oclstm_model *model = random_model(&LAYER, 1, OCLSTM_F32, (around){0, 0, 0});
  struct stat before;
  struct stat after;
  write_file(in_folder("file"), "old", 3);
  assert_int_equal(mkdir(in_folder("folder"), 0700), 0);
  make_special_files();
  assert_int_equal(stat(in_folder("null"), &before), 0);
  const size_t n_files = count_files();
  for (size_t k = 0; k < N_NAMES + N_PATHS; ++k) {
    oclstm_error error = {OCLSTM_OK, 0, 0, ""};
    char path[512];
    (void)snprintf(path, sizeof path, "%s", k < N_NAMES ? in_folder(NAMES[k]) : PATHS[k - N_NAMES]);
    assert_status(create(path, SMALL, &error), OCLSTM_E_OPEN, &error, path);
    assert_non_null(strstr(error.text, path));
    assert_status(oclstm_model_save(model, path, &error), OCLSTM_E_OPEN, &error, path);
  }
  assert_int_equal(count_files(), n_files);
  assert_int_equal(stat(in_folder("null"), &after), 0);
  assert_int_equal(before.st_mode, after.st_mode);
  assert_int_equal(before.st_ino, after.st_ino);
  assert_untouched(in_folder("file"));
  oclstm_model_destroy(&model);
}

static void follows_links(void **state) {
  (void)state;
  struct stat about;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_int_equal(mkdir(in_folder("far"), 0700), 0);
  write_file(in_folder("far/target"), "old", 3);
  assert_int_equal(symlink("far/target", in_folder("link")), 0);
  assert_status(create(in_folder("link"), SMALL, &error), OCLSTM_OK, &error, "link");
  assert_int_equal(lstat(in_folder("link"), &about), 0);
  assert_true(S_ISLNK(about.st_mode));
  assert_int_equal(stat(in_folder("far/target"), &about), 0);
  assert_int_equal(about.st_size, 128 + 16);
  assert_int_equal(symlink("nowhere", in_folder("dangling")), 0);
  assert_status(create(in_folder("dangling"), SMALL, &error), OCLSTM_E_OPEN, &error, "dangling link");
  assert_int_equal(symlink("null", in_folder("link to null")), 0); /* of make_special_files */
  assert_status(create(in_folder("link to null"), SMALL, &error), OCLSTM_E_OPEN, &error, "link to a device");
  assert_int_equal(symlink("loop", in_folder("loop")), 0);
  assert_status(create(in_folder("loop"), SMALL, &error), OCLSTM_E_OPEN, &error, "link to itself");
  assert_int_equal(unlink(in_folder("far/target")), 0);
}

static mode_t mode_of(const char *path) {
  struct stat about;
  assert_int_equal(stat(path, &about), 0);
  return about.st_mode & 0777;
}

static void keeps_modes(void **state) {
  (void)state;
  mode_t mask = umask(027);
  assert_int_equal(create(in_folder("fresh"), SMALL, NULL), OCLSTM_OK);
  assert_int_equal(mode_of(in_folder("fresh")), 0640);
  assert_int_equal(chmod(in_folder("fresh"), 0604), 0);
  assert_int_equal(create(in_folder("fresh"), SMALL, NULL), OCLSTM_OK);
  assert_int_equal(mode_of(in_folder("fresh")), 0604);
  (void)umask(mask);
}

/* As someone who is not root, to whom permissions mean nothing. */
static void respects_permissions(void **state) {
  (void)state;
  const char *folder = in_folder("");
  char path[512];
  const int is_root = geteuid() == 0;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_int_equal(chmod(folder, 0777), 0);
  (void)snprintf(path, sizeof path, "%s", in_folder("protected"));
  write_file(path, "old", 3);
  assert_int_equal(chmod(path, 0444), 0);
  if (is_root && seteuid(65534) != 0) {
    skip();
  }
  oclstm_status on_file = create(path, SMALL, &error);
  if (is_root) {
    assert_int_equal(seteuid(0), 0);
  }
  assert_status(on_file, OCLSTM_E_OPEN, &error, "protected file");
  assert_untouched(path);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(chmod(folder, 0700), 0);
}

/* ---- lives ---- */

static void leaves_nothing_when_closed(void **state) {
  (void)state;
  const size_t n_files = count_files();
  oclstm_npy *npy = NULL;
  assert_int_equal(oclstm_npy_create(in_folder("never"), 1, SMALL, &npy, NULL), OCLSTM_OK);
  assert_int_equal(count_files(), n_files + 1);
  oclstm_npy_close(&npy);
  assert_int_equal(count_files(), n_files);
}

static void replaces_only_at_the_end(void **state) {
  (void)state;
  const char *path = in_folder("replaced");
  oclstm_npy *first = NULL;
  oclstm_npy *second = NULL;
  write_file(path, "old", 3);
  const size_t n_files = count_files();
  assert_int_equal(oclstm_npy_create(path, 1, SMALL, &first, NULL), OCLSTM_OK);
  assert_int_equal(oclstm_npy_create(path, 0, NULL, &second, NULL), OCLSTM_OK);
  assert_untouched(path);
  assert_int_equal(oclstm_npy_commit(&first, NULL), OCLSTM_OK);
  assert_int_equal(oclstm_npy_commit(&second, NULL), OCLSTM_OK);
  buffer b = read_file(path);
  assert_int_equal(b.n, 128 + 4);
  buffer_free(&b);
  assert_int_equal(count_files(), n_files);
}

static void cleans_up_when_the_name_is_taken(void **state) {
  (void)state;
  const char *path = in_folder("taken");
  const size_t n_files = count_files();
  oclstm_npy *npy = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  assert_int_equal(oclstm_npy_create(path, 1, SMALL, &npy, NULL), OCLSTM_OK);
  assert_int_equal(mkdir(path, 0700), 0);
  assert_status(oclstm_npy_commit(&npy, &error), OCLSTM_E_WRITE, &error, "rename onto a folder");
  assert_null(npy);
  assert_int_equal(rmdir(path), 0);
  assert_int_equal(count_files(), n_files);
}

static void does_not_mind_a_change_of_folder(void **state) {
  (void)state;
  char home[512];
  oclstm_npy *npy = NULL;
  assert_non_null(getcwd(home, sizeof home));
  assert_int_equal(oclstm_npy_create(in_folder("moved"), 1, SMALL, &npy, NULL), OCLSTM_OK);
  assert_int_equal(chdir("/"), 0);
  assert_int_equal(oclstm_npy_commit(&npy, NULL), OCLSTM_OK);
  assert_int_equal(chdir(home), 0);
  assert_int_equal(access(in_folder("moved"), R_OK), 0);
}

static void takes_the_longest_name(void **state) {
  (void)state;
  char name[256];
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  memset(name, 'n', 255);
  name[255] = '\0';
  assert_status(create(in_folder(name), SMALL, &error), OCLSTM_OK, &error, "255 characters");
  assert_int_equal(unlink(in_folder(name)), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reports_a_file_size_limit),
      cmocka_unit_test(refuses_places),
      cmocka_unit_test(follows_links),
      cmocka_unit_test(keeps_modes),
      cmocka_unit_test(respects_permissions),
      cmocka_unit_test(leaves_nothing_when_closed),
      cmocka_unit_test(replaces_only_at_the_end),
      cmocka_unit_test(cleans_up_when_the_name_is_taken),
      cmocka_unit_test(does_not_mind_a_change_of_folder),
      cmocka_unit_test(takes_the_longest_name),
      cmocka_unit_test(reports_a_full_disk),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
