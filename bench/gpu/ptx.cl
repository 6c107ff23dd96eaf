/* One instruction of PTX a program, chosen by -DPTX_NAME, run by one warp and compared on the host.
 *
 *   in  u32 words, out u32 words: what they are, q_ptx.c says beside each name
 *
 * Launch: global = local = 32.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ASM
#define ASM __asm__
#endif
#ifndef CLOBBER
#define CLOBBER : "memory"
#endif

/* 32-bit address of local memory, as ld.shared and its kind take it. */
static inline uint shared_address(__local void *p) {
  return (uint)(size_t)p;
}

/* D [16][8] = A [16][16] B, A by rows, B by columns ([8][16] in memory), two elements a word. */
#define MMA_16(types)                                                                                      \
  __global const uint *A = in, *B = in + 16 * 8;                                                           \
  uint g = lane / 4, t = lane % 4;                                                                         \
  uint a0 = A[g * 8 + t], a1 = A[(g + 8) * 8 + t], a2 = A[g * 8 + t + 4], a3 = A[(g + 8) * 8 + t + 4];     \
  uint b0 = B[g * 8 + t], b1 = B[g * 8 + t + 4];                                                           \
  float d0 = 0.0f, d1 = 0.0f, d2 = 0.0f, d3 = 0.0f;                                                        \
  ASM volatile("mma.sync.aligned.m16n8k16.row.col." types                                                  \
               " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                                    \
               : "+f"(d0), "+f"(d1), "+f"(d2), "+f"(d3)                                                    \
               : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));                                    \
  out[g * 8 + 2 * t] = as_uint(d0);                                                                        \
  out[g * 8 + 2 * t + 1] = as_uint(d1);                                                                    \
  out[(g + 8) * 8 + 2 * t] = as_uint(d2);                                                                  \
  out[(g + 8) * 8 + 2 * t + 1] = as_uint(d3);

__kernel void ptx(__global const uint *in, __global uint *out) {
  uint lane = (uint)get_local_id(0);
  __local __attribute__((aligned(128))) uint words[128];
  for (uint k = lane; k < 128; k += 32) {
    words[k] = 0;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
#if defined(PTX_MMA_F16)
  MMA_16("f32.f16.f16.f32")
#elif defined(PTX_MMA_BF16)
  MMA_16("f32.bf16.bf16.f32")
#elif defined(PTX_MMA_TF32)
  __global const uint *A = in, *B = in + 16 * 8; /* [16][8] and [8][8] */
  uint g = lane / 4, t = lane % 4;
  float d0 = 0.0f, d1 = 0.0f, d2 = 0.0f, d3 = 0.0f;
  ASM volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d0), "+f"(d1), "+f"(d2), "+f"(d3)
      : "r"(A[g * 8 + t]), "r"(A[(g + 8) * 8 + t]), "r"(A[g * 8 + t + 4]), "r"(A[(g + 8) * 8 + t + 4]),
        "r"(B[g * 8 + t]), "r"(B[g * 8 + t + 4]));
  out[g * 8 + 2 * t] = as_uint(d0);
  out[g * 8 + 2 * t + 1] = as_uint(d1);
  out[(g + 8) * 8 + 2 * t] = as_uint(d2);
  out[(g + 8) * 8 + 2 * t + 1] = as_uint(d3);
#elif defined(PTX_LDMATRIX)
  for (uint k = lane; k < 128; k += 32) {
    words[k] = in[k];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  uint r0, r1, r2, r3;
  ASM volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r0), "=r"(r1), "=r"(r2), "=r"(r3)
               : "r"(shared_address(words + lane * 4)) CLOBBER);
  out[lane] = r0;
  out[32 + lane] = r1;
  out[64 + lane] = r2;
  out[96 + lane] = r3;
#elif defined(PTX_CP_ASYNC)
  ASM volatile("cp.async.cg.shared.global [%0], [%1], 16;"
               :
               : "r"(shared_address(words + lane * 4)), "l"(in + lane * 4) CLOBBER);
  ASM volatile("cp.async.commit_group;" : : CLOBBER);
  ASM volatile("cp.async.wait_group 0;" : : CLOBBER);
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint k = lane; k < 128; k += 32) {
    out[k] = words[k];
  }
#elif defined(PTX_BULK_COPY)
  /* The bulk copy engine of sm_90, 512 bytes; the wait is bounded. */
  __local __attribute__((aligned(8))) ulong arrivals[1];
  uint bar = shared_address(arrivals), done = 0;
  if (lane == 0) {
    ASM volatile("mbarrier.init.shared.b64 [%0], 1;" : : "r"(bar) CLOBBER);
    ASM volatile("fence.proxy.async.shared::cta;" : : CLOBBER);
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  if (lane == 0) {
    ASM volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], 512;" : : "r"(bar) CLOBBER);
    ASM volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], 512, [%2];"
                 :
                 : "r"(shared_address(words)), "l"(in), "r"(bar) CLOBBER);
  }
  for (uint looks = 0; looks < 1000 && done == 0; ++looks) {
    ASM volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared.b64 p, [%1], 0; selp.u32 %0, 1, 0, p; }"
                 : "=r"(done)
                 : "r"(bar) CLOBBER);
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint k = lane; k < 128; k += 32) {
    out[k] = words[k];
  }
#elif defined(PTX_CVT_BF16X2)
  ASM volatile("cvt.rn.bf16x2.f32 %0, %1, %2;"
               : "=r"(out[lane])
               : "f"(as_float(in[2 * lane + 1])), "f"(as_float(in[2 * lane])));
#elif defined(PTX_CVT_F16X2)
  ASM volatile("cvt.rn.f16x2.f32 %0, %1, %2;"
               : "=r"(out[lane])
               : "f"(as_float(in[2 * lane + 1])), "f"(as_float(in[2 * lane])));
#elif defined(PTX_TANH)
  float y;
  ASM volatile("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(as_float(in[lane])));
  out[lane] = as_uint(y);
#elif defined(PTX_EX2)
  float y;
  ASM volatile("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(as_float(in[lane])));
  out[lane] = as_uint(y);
#elif defined(PTX_SHFL)
  ASM volatile("shfl.sync.bfly.b32 %0, %1, 1, 0x1f, 0xffffffff;" : "=r"(out[lane]) : "r"(in[lane]));
#elif defined(PTX_RED_ACQUIRE)
  uint sum;
  ASM volatile("red.release.gpu.global.add.u32 [%0], %1;" : : "l"(out), "r"(in[lane]) CLOBBER);
  barrier(CLK_GLOBAL_MEM_FENCE);
  ASM volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(sum) : "l"(out) CLOBBER);
  out[1 + lane] = sum;
#elif defined(PTX_LOAD_NC_256)
  /* What keeps weights that are read once out of the first cache. */
  uint v0, v1, v2, v3;
  ASM volatile("ld.global.nc.L1::no_allocate.L2::256B.v4.u32 {%0,%1,%2,%3}, [%4];"
               : "=r"(v0), "=r"(v1), "=r"(v2), "=r"(v3)
               : "l"(in + lane * 4));
  out[lane * 4] = v0;
  out[lane * 4 + 1] = v1;
  out[lane * 4 + 2] = v2;
  out[lane * 4 + 3] = v3;
#elif defined(PTX_TIMER)
  ulong before, after;
  ASM volatile("mov.u64 %0, %%globaltimer;" : "=l"(before) : CLOBBER);
  for (uint k = 0; k < 64; ++k) {
    ASM volatile("nanosleep.u32 100;" : : CLOBBER);
  }
  ASM volatile("mov.u64 %0, %%globaltimer;" : "=l"(after) : CLOBBER);
  out[lane] = after > before;
#elif defined(PTX_WGMMA_SM90A)
  ASM volatile("wgmma.fence.sync.aligned;" : : CLOBBER);
  out[lane] = 1;
#elif defined(PTX_SETMAXNREG_SM90A)
  ASM volatile("setmaxnreg.dec.sync.aligned.u32 24;" : : CLOBBER);
  out[lane] = 1;
#elif defined(CL_HALF_ARITHMETIC)
  /* half as a type of arithmetic, though cl_khr_fp16 may not be listed. */
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
  half h = (half)as_float(in[lane]);
  out[lane] = as_uint((float)(h * h + (half)1.0f));
#endif
}
