/* Finds a symbol of the layers that this process runs under.
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "layer.h"

void (*oclstm__layer_symbol(const char *name))(void) {
  const char *at = getenv("OPENCL_LAYERS");
  char path[4096];
  void *symbol = NULL;
  void (*function)(void) = NULL;
  while (at != NULL && *at != '\0' && symbol == NULL) {
    size_t length = strcspn(at, ":");
    if (length < sizeof path) {
      memcpy(path, at, length);
      path[length] = '\0';
      void *layer = dlopen(path, RTLD_LAZY);
      symbol = layer != NULL ? dlsym(layer, name) : NULL;
    }
    at += length + (at[length] == ':');
  }
  memcpy(&function, &symbol, sizeof function);
  return function;
}
