/* The parts of the electrocardiogram example: whole signals, R peaks, and the program's three commands.
 * SPDX-License-Identifier: MIT */
#ifndef ECG_H
#define ECG_H

#include <oclstm/oclstm.h>
#include <oclstm/oclstm_job.h>

enum { ECG_RATE = 360 }; /* samples a second, of the recording and so of everything here */

/* A signal in memory: sample[0 .. count - 1], in mV unless said otherwise. */
typedef struct ecg_signal {
  size_t count;
  float *sample;
} ecg_signal;

/* Records a failure of this program's own the way the library records its own, and returns status. */
oclstm_status ecg_fail(oclstm_error *error, oclstm_status status, const char *format, ...);

/* Reads a .npy of shape [T] or [T,1], in the file's own unit. Free with ecg_signal_free, also after a failure. */
oclstm_status ecg_signal_load(const char *path, ecg_signal *signal, oclstm_error *error);
/* Writes count samples as float32 [count,1]: what a network with one input takes. */
oclstm_status ecg_signal_save(const char *path, const float *sample, size_t count, oclstm_error *error);
void ecg_signal_free(ecg_signal *signal);

/* Finds the R peaks, in ascending order: *peaks receives an array for free(), *n_peaks its length. */
oclstm_status ecg_find_r_peaks(const ecg_signal *signal, size_t **peaks, size_t *n_peaks,
                               oclstm_error *error);

/* The commands; what they do stands above their definitions. */
oclstm_status ecg_prepare(const char *recording, const char *out_dir, oclstm_error *error);
oclstm_status ecg_report(const char *signal_path, const char *forecast_path, size_t horizon,
                         const char *out_dir, oclstm_error *error);
oclstm_status ecg_stream(const char *model_path, const char *signal_path, const char *forecast_path,
                         const char *device, oclstm_error *error);

#endif
