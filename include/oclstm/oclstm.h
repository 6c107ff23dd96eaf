/* oclstm: run LSTM networks on any OpenCL device, from C.
 *
 * SPDX-License-Identifier: MIT
 *
 * The stages, in the order in which a program meets them:
 *
 *   model    what the network is: layers, weights, head. Host memory, immutable, shared freely.
 *   context  one device (an OpenCL device, or the double-precision reference on the host).
 *   plan     model + context + limits. Everything is decided, compiled, packed and allocated here.
 *   state    h and c of one batch. Explicit, so that streams, chunks and resumed jobs are one thing.
 *   forward  x in, y out, state advanced. Allocates nothing, compiles nothing, prints nothing.
 *
 * A whole program, less its error handling:
 *
 *   oclstm_model *model;  oclstm_context *context;  oclstm_plan *plan;  oclstm_state *state;
 *   oclstm_context_desc device = OCLSTM_CONTEXT_DESC_INIT;
 *   oclstm_plan_desc limits = OCLSTM_PLAN_DESC_INIT;
 *   oclstm_io io = OCLSTM_IO_INIT;
 *
 *   limits.rows = B;
 *   limits.steps = T;
 *   oclstm_model_load("net.safetensors", NULL, &model, NULL);
 *   oclstm_context_create(&device, &context, NULL);
 *   oclstm_plan_create(context, model, &limits, &plan, NULL);
 *   oclstm_state_create(plan, &state, NULL);
 *   io.steps = T;
 *   io.x = x;                                   // [T,B,I]
 *   io.y = y;                                   // [T,B,oclstm_model_output_size(model)]
 *   while (read_signal(x)) {
 *     oclstm_forward(plan, state, &io, NULL);   // the next T steps of the same B streams
 *   }
 *   oclstm_state_destroy(&state);
 *   oclstm_plan_destroy(&plan);
 *   oclstm_context_destroy(&context);
 *   oclstm_model_destroy(&model);
 *
 * Words. T steps, B batch rows, I input size, H hidden size, P projection size, L layers, D directions (1 or 2).
 * R is the size of h: P with a projection, otherwise H. Arrays are dense and row-major, the last index fastest.
 * Gate rows are in the order i, f, g, o. c and every sum are float32 on devices, double in the reference.
 *
 * Errors. Every function that can fail returns an oclstm_status, OCLSTM_OK being 0, and takes an optional
 * oclstm_error as its last argument, which receives the status with the offending values in words; on success
 * it is left alone. Outputs through pointers are set to NULL on failure. A call that fails leaves the objects
 * it was given as they were, except that the contents of the state and of the outputs are unspecified behind a forward
 * call that failed on the device (E_OPENCL, E_DEVICE_LOST, E_MEMORY, E_DEVICE_MEMORY) and behind a job that had begun.
 *
 * Descriptors. Structures that are passed in begin with struct_size and have an initialiser
 * (OCLSTM_..._INIT); fields are only ever appended. A size that the library does not know is E_ARGUMENT. Zero means
 * "default" everywhere. What they point to is borrowed for the call, unless a comment says for how long.
 *
 * NULL. A function that returns a status answers a NULL that it cannot use with E_ARGUMENT; destroying takes NULL and
 * a pointer to NULL. Functions that only look something up want an object.
 *
 * Threads. A model may be shared by any number of threads. A context may be used from several threads at once: each may
 * create plans and states there, and run its own. One plan, and one state, belongs to one thread at a time. Functions
 * that take none of these objects may be called from anywhere at any time.
 *
 * The stages each have a header, which can be included on its own; this one brings them all:
 *
 *   oclstm_status.h   statuses and errors
 *   oclstm_hooks.h    the caller's memory and log
 *   oclstm_layer.h    what a layer computes, its weights
 *   oclstm_model.h    networks: made, loaded, saved
 *   oclstm_device.h   devices, contexts, the cache of programs, counters
 *   oclstm_plan.h     plans, strategies, precision, tuning
 *   oclstm_forward.h  states and the forward call
 *   oclstm_version.h  the version these headers are of
 *
 * Two more are included by those who want them: oclstm_opencl.h (the caller's own OpenCL objects) and oclstm_job.h
 * (long sequences from files).
 */
#ifndef OCLSTM_H
#define OCLSTM_H

#include "oclstm/oclstm_device.h"
#include "oclstm/oclstm_forward.h"
#include "oclstm/oclstm_hooks.h"
#include "oclstm/oclstm_layer.h"
#include "oclstm/oclstm_model.h"
#include "oclstm/oclstm_plan.h"
#include "oclstm/oclstm_status.h"
#include "oclstm/oclstm_version.h"

#endif
