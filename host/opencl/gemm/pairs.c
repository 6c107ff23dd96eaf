/* Products of bfloat16, two at a time: VDPBF16PS of processors with AVX512_BF16, in kernels/tile.cl. PoCL's kernels run on this
 * processor, and its compiler takes the instruction whether or not the processor has it.
 * SPDX-License-Identifier: MIT */
#include "opencl/device/cl.h"
#include "opencl/gemm/gemm.h"

static bool processor_adds_pairs(void) {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

void oclstm__ask_pairs(oclstm__cl *cl) {
  oclstm_error why = {.status = OCLSTM_OK};
  bool may = cl->base.device.type == OCLSTM_DEVICE_CPU && cl->vector_width == 16 && processor_adds_pairs();
  (void)pthread_mutex_lock(&cl->tuning);
  if (atomic_load(&cl->pair) == 0) {
    atomic_store(&cl->pair, may ? 2 : 1);
    if (may && oclstm__gemm_trial(cl, &oclstm__gemm_plain, OCLSTM_PRECISION_BF16, &why) != OCLSTM_OK) {
      oclstm__log(&cl->base.log, OCLSTM_LOG_INFO, "bfloat16 one product at a time: %s", why.text);
      atomic_store(&cl->pair, 1);
    }
  }
  (void)pthread_mutex_unlock(&cl->tuning);
}

unsigned oclstm__paired(const oclstm__cl *cl, const oclstm__gemm_provider *provider,
                        oclstm_precision precision) {
  if (provider == &oclstm__gemm_amx) {
    return precision == OCLSTM_PRECISION_F32 ? 3 : 2;
  }
  return provider == &oclstm__gemm_plain && precision == OCLSTM_PRECISION_BF16 && atomic_load(&cl->pair) == 2;
}

const char *oclstm__pairing_text(const oclstm__cl *cl, const oclstm__gemm_provider *provider,
                                 oclstm_precision precision) {
  static const char *const TEXTS[] = {"", ", two at a time by AVX512_BF16", "",
                                      ", each factor in three terms of bfloat16"};
  return TEXTS[oclstm__paired(cl, provider, precision)];
}
