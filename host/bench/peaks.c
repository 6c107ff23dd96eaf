/* Peaks: how fast this device multiplies and reads, measured in the same run.
 * SPDX-License-Identifier: MIT */
#include "bench.h"

/* What is read to find a level's speed, and what fits it. Three quarters of a cache, so that all of it is met again; of
 * memory eight times the largest cache, at least 128 MiB and at most 512. A device that is no CPU has sizes of its own. */
static void choose_levels(const oclstm_device_info *device, const bench_machine *machine,
                          bench_peaks *peaks) {
  uint64_t L2 = 32 << 20, L3 = 0;
  if (device->type == OCLSTM_DEVICE_CPU) {
    L2 = bench_all_caches(machine, 1);
    L3 = bench_all_caches(machine, 2);
  }
  uint64_t far = 8 * (L2 > L3 ? L2 : L3);
  far = far < (uint64_t)128 << 20   ? (uint64_t)128 << 20
        : far > (uint64_t)512 << 20 ? (uint64_t)512 << 20
                                    : far;
  peaks->levels[0].name = "L2";
  peaks->levels[0].fits = L2;
  peaks->levels[0].bytes = L2 / 4 * 3;
  peaks->levels[1].name = "L3";
  peaks->levels[1].fits = L3;
  peaks->levels[1].bytes = L3 > L2 ? L3 / 4 * 3 : 0;
  peaks->levels[2].name = "memory";
  peaks->levels[2].fits = UINT64_MAX;
  peaks->levels[2].bytes = far;
}

oclstm_status bench_measure_peaks(oclstm_context *context, const bench_machine *machine, bench_peaks *peaks,
                                  oclstm_error *error) {
  *peaks = (bench_peaks){.known = false};
  choose_levels(oclstm_context_device(context), machine, peaks);
  oclstm_status status = oclstm_context_peak_flops(context, &peaks->flops, error);
  for (size_t k = 0; k < BENCH_LEVELS && status == OCLSTM_OK; ++k) {
    if (peaks->levels[k].bytes > 0) {
      status = oclstm_context_peak_read(context, peaks->levels[k].bytes, &peaks->levels[k].per_second, error);
    }
  }
  peaks->known = status == OCLSTM_OK;
  return status;
}
