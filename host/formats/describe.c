/* The description of one layer as text, for whoever shows it.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/descriptor.h"
#include "model/model.h"

oclstm_status oclstm_layer_describe(const oclstm_layer *layer, char *text, size_t room, size_t *needed,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  const oclstm_allocator allocator = oclstm__allocator((oclstm_allocator){0});
  oclstm_limits limits = OCLSTM_LIMITS_INIT;
  json_t *object = NULL;
  char *whole = NULL;
  size_t bytes = 0;
  limits.features = UINT64_C(1) << 28; /* whoever made the layer had limits of their own */
  limits = oclstm__limits(&limits);
  REQUIRE(layer != NULL && needed != NULL && (text != NULL || room == 0), OCLSTM_E_ARGUMENT,
          "layer, needed or text of %zu bytes is NULL", room);
  TRY(oclstm__layer_check(layer, 0, &limits, error));
  object = json_object();
  REQUIRE(object != NULL, OCLSTM_E_MEMORY, "description of a layer");
  TRY(oclstm__layer_json(layer, 0, object, error));
  TRY(oclstm__json_dump(object, &allocator, &whole, &bytes, error));
  *needed = bytes + 1;
  REQUIRE(room == 0 || room > bytes, OCLSTM_E_ARGUMENT, "a description of %zu bytes, room for %zu", bytes + 1,
          room);
  if (room != 0) {
    memcpy(text, whole, bytes + 1);
  }
done:
  oclstm__free(&allocator, whole);
  json_decref(object);
  return status;
}
