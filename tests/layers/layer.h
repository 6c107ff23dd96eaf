/* What a test can ask of the layers it runs under: the symbols that the layers export.
 * SPDX-License-Identifier: MIT
 *
 * The loader keeps a layer's symbols to itself; oclstm__layer_symbol (layer_symbol.c) finds them again. */
#ifndef OCLSTM_TESTS_LAYERS_LAYER_H
#define OCLSTM_TESTS_LAYERS_LAYER_H

/* balance: calls so far of the entry points whose names begin with prefix ("clCreate", "clFinish", "" for all). */
typedef unsigned long long oclstm_layer_calls_function(const char *prefix);
/* balance: the name of the k-th entry point it knows, and its calls so far; NULL when there are not so many. */
typedef const char *oclstm_layer_entry_function(unsigned k, unsigned long long *calls);
/* balance: how many references are held of objects of one kind ("mem"), of all with NULL. */
typedef long oclstm_layer_live_function(const char *kind);
/* fault: lets the nth call from now on of one entry point fail with the code, once. NULL: nothing fails. */
typedef void oclstm_layer_arm_function(const char *entry, unsigned long nth, int code);
/* fault: how many calls have failed since then. */
typedef unsigned long oclstm_layer_fired_function(void);

/* The symbol of the first layer named in the environment that has it, or NULL. */
void (*oclstm__layer_symbol(const char *name))(void);

#endif
