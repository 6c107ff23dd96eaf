/* ecg report: how far the forecast was from what came, and where the signal surprised the network most.
 * SPDX-License-Identifier: MIT
 *
 * y[n] was said at sample n about sample n + horizon. So the error at sample n is y[n - horizon] - x[n], and that of
 * the forecast "the same as now" is x[n - horizon] - x[n]. Both are judged over the last minute, which the network
 * was not trained on.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ecg.h"

enum {
  TEST_SAMPLES = 60 * ECG_RATE, /* the last minute */
  WINDOW = ECG_RATE / 2,        /* half a second: about one beat */
  N_SURPRISES = 5,
  SHOWN = 6 * ECG_RATE, /* of the signal, about the largest surprise */
  PATH_SIZE = 4096
};

typedef struct surprise {
  size_t first; /* sample; the window is first .. first + WINDOW - 1 */
  double rms;   /* mV */
} surprise;

typedef struct comparison {
  ecg_signal x, y; /* the signal and the forecast, mV */
  size_t horizon;
  size_t first; /* of the last minute */
} comparison;

static double forecast_error(const comparison *c, size_t n) {
  return (double)c->y.sample[n - c->horizon] - c->x.sample[n];
}

static double same_as_now_error(const comparison *c, size_t n) {
  return (double)c->x.sample[n - c->horizon] - c->x.sample[n];
}

static double rms_error(const comparison *c, double (*error_at)(const comparison *, size_t), size_t first,
                        size_t count) {
  double sum = 0.0;
  for (size_t n = first; n < first + count; n++) {
    const double e = error_at(c, n);
    sum += e * e;
  }
  return sqrt(sum / (double)count);
}

static int overlaps_any(size_t first, const surprise *found, size_t n_found) {
  for (size_t k = 0; k < n_found; k++) {
    if (first < found[k].first + WINDOW && found[k].first < first + WINDOW) {
      return 1;
    }
  }
  return 0;
}

/* Whether the error at sample n is the largest of the window about it. */
static int is_largest_error(const comparison *c, size_t n) {
  const double here = fabs(forecast_error(c, n));
  for (size_t m = n - WINDOW / 2; m < n + WINDOW / 2; m++) {
    if (fabs(forecast_error(c, m)) > here) {
      return 0;
    }
  }
  return 1;
}

/* Of all windows with their largest error in the middle that overlap none of those found so far, the one with the
 * largest RMS error. rms 0 when there is none. */
static surprise largest_surprise(const comparison *c, const surprise *found, size_t n_found) {
  surprise best = {c->first, 0.0};
  for (size_t first = c->first; first + WINDOW <= c->x.count; first++) {
    if (!overlaps_any(first, found, n_found) && is_largest_error(c, first + WINDOW / 2)) {
      const double rms = rms_error(c, forecast_error, first, WINDOW);
      if (rms > best.rms) {
        best.first = first;
        best.rms = rms;
      }
    }
  }
  return best;
}

static double seconds(size_t samples) {
  return (double)samples / ECG_RATE;
}

static void print_report(const comparison *c, const surprise *worst) {
  const size_t count = c->x.count - c->first;
  const double ours = rms_error(c, forecast_error, c->first, count);
  const double same = rms_error(c, same_as_now_error, c->first, count);
  printf("forecast %.0f ms ahead, over the last %.0f s\n", 1e3 * seconds(c->horizon), seconds(count));
  printf("  RMS error, forecast         %.7f mV\n", ours);
  printf("  RMS error, \"same as now\"    %.7f mV\n", same);
  printf("  ratio                       %.3f\n", ours / same);
  printf("where the signal surprised the network most, half a second each\n");
  for (size_t k = 0; k < N_SURPRISES; k++) {
    const double from = seconds(worst[k].first);
    const int minutes = (int)(from / 60.0);
    printf("  %zu. at %.3f s (%d:%06.3f)  RMS error %.4f mV\n", k + 1, from, minutes, from - 60.0 * minutes,
           worst[k].rms);
  }
}

/* Closes a table, so that a full disk is seen and not only suspected. */
static oclstm_status close_table(FILE *file, const char *path, oclstm_error *error) {
  const int failed = ferror(file);
  if (fclose(file) != 0 || failed) {
    return ecg_fail(error, OCLSTM_E_WRITE, "%s: cannot be written", path);
  }
  return OCLSTM_OK;
}

static oclstm_status open_table(const char *dir, const char *name, char path[PATH_SIZE], FILE **file,
                                oclstm_error *error) {
  const int length = snprintf(path, PATH_SIZE, "%s/%s", dir, name);
  if (length < 0 || length >= PATH_SIZE) {
    return ecg_fail(error, OCLSTM_E_ARGUMENT, "path is too long: %.64s.../%s", dir, name);
  }
  *file = fopen(path, "w");
  return *file != NULL ? OCLSTM_OK : ecg_fail(error, OCLSTM_E_OPEN, "%s: cannot be created", path);
}

/* The signal and its forecast, SHOWN samples about the largest surprise. */
static oclstm_status write_forecast(const char *dir, const comparison *c, size_t about, oclstm_error *error) {
  char path[PATH_SIZE];
  FILE *file;
  const size_t first = about > c->first + SHOWN / 2 ? about - SHOWN / 2 : c->first;
  const size_t end = first + SHOWN < c->x.count ? first + SHOWN : c->x.count;
  const oclstm_status status = open_table(dir, "forecast.txt", path, &file, error);
  if (status != OCLSTM_OK) {
    return status;
  }
  fprintf(file, "# seconds  signal_mV  forecast_mV  error_mV\n");
  for (size_t n = first; n < end; n++) {
    fprintf(file, "%.4f %.4f %.4f %.4f\n", seconds(n), (double)c->x.sample[n],
            (double)c->y.sample[n - c->horizon], forecast_error(c, n));
  }
  return close_table(file, path, error);
}

static oclstm_status write_surprises(const char *dir, const surprise *worst, oclstm_error *error) {
  char path[PATH_SIZE];
  FILE *file;
  const oclstm_status status = open_table(dir, "surprises.txt", path, &file, error);
  if (status != OCLSTM_OK) {
    return status;
  }
  fprintf(file, "# from_seconds  to_seconds  rms_error_mV\n");
  for (size_t k = 0; k < N_SURPRISES; k++) {
    fprintf(file, "%.4f %.4f %.4f\n", seconds(worst[k].first), seconds(worst[k].first + WINDOW),
            worst[k].rms);
  }
  return close_table(file, path, error);
}

static oclstm_status load_both(const char *signal_path, const char *forecast_path, comparison *c,
                               oclstm_error *error) {
  oclstm_status status = ecg_signal_load(signal_path, &c->x, error);
  if (status == OCLSTM_OK) {
    status = ecg_signal_load(forecast_path, &c->y, error);
  }
  if (status == OCLSTM_OK && c->x.count != c->y.count) {
    status = ecg_fail(error, OCLSTM_E_SHAPE, "%s has %zu samples, %s has %zu", signal_path, c->x.count,
                      forecast_path, c->y.count);
  }
  if (status == OCLSTM_OK && c->x.count < TEST_SAMPLES + c->horizon) {
    status = ecg_fail(error, OCLSTM_E_SHAPE, "%s: a minute of signal is needed, found %.1f s", signal_path,
                      seconds(c->x.count));
  }
  return status;
}

/* Prints the report; writes OUT_DIR/forecast.txt and OUT_DIR/surprises.txt, which plot.gp draws. */
oclstm_status ecg_report(const char *signal_path, const char *forecast_path, size_t horizon,
                         const char *out_dir, oclstm_error *error) {
  comparison c = {{0, NULL}, {0, NULL}, horizon, 0};
  surprise worst[N_SURPRISES];
  oclstm_status status = load_both(signal_path, forecast_path, &c, error);
  if (status != OCLSTM_OK) {
    goto done;
  }
  c.first = c.x.count - TEST_SAMPLES;
  for (size_t k = 0; k < N_SURPRISES; k++) {
    worst[k] = largest_surprise(&c, worst, k);
  }
  print_report(&c, worst);
  status = write_forecast(out_dir, &c, worst[0].first + WINDOW / 2, error);
  if (status == OCLSTM_OK) {
    status = write_surprises(out_dir, worst, error);
  }
done:
  ecg_signal_free(&c.x);
  ecg_signal_free(&c.y);
  return status;
}
