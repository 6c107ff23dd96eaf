/* Constant tensors of an ONNX graph: from the file, or from the memory that their typed data was decoded into.
 * SPDX-License-Identifier: MIT */
#include "formats/onnx/constant.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/onnx/external.h"

bool oclstm__constant_dtype(int type, oclstm_dtype *dtype) {
  static const struct {
    int type;
    oclstm_dtype dtype;
  } TYPES[] = {{1, OCLSTM_F32}, {3, OCLSTM_I8},   {5, OCLSTM_I16},  {6, OCLSTM_I32},  {7, OCLSTM_I64},
               {9, OCLSTM_I8},  {10, OCLSTM_F16}, {11, OCLSTM_F64}, {16, OCLSTM_BF16}};
  for (size_t k = 0; k < sizeof TYPES / sizeof TYPES[0]; ++k) {
    if (TYPES[k].type == type) {
      *dtype = TYPES[k].dtype;
      return true;
    }
  }
  return false;
}

/* Checks the shape: count and bytes fit, and the limit on parameters. */
static oclstm_status take_shape(oclstm__constant *constant, const oclstm__onnx_tensor *tensor,
                                const oclstm_limits *limits, size_t *bytes, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  constant->rank = tensor->rank;
  constant->count = 1;
  for (size_t k = 0; k < tensor->rank; ++k) {
    REQUIRE(tensor->dims[k] >= 0, OCLSTM_E_FORMAT, "tensor %.*s: size %lld", OCLSTM__TEXT(tensor->name),
            (long long)tensor->dims[k]);
    constant->dims[k] = (size_t)tensor->dims[k];
    REQUIRE(oclstm__mul(constant->count, constant->dims[k], &constant->count), OCLSTM_E_LIMIT,
            "tensor %.*s is larger than memory", OCLSTM__TEXT(tensor->name));
  }
  REQUIRE(constant->count <= limits->parameters, OCLSTM_E_LIMIT,
          "tensor %.*s has %zu elements, the limit is %llu", OCLSTM__TEXT(tensor->name), constant->count,
          (unsigned long long)limits->parameters);
  REQUIRE(oclstm__mul(constant->count, oclstm__dtype_bytes(constant->dtype), bytes), OCLSTM_E_LIMIT,
          "tensor %.*s is larger than memory", OCLSTM__TEXT(tensor->name));
done:
  return status;
}

/* Typed data: small types come as int32, one to an element, and are made narrow in place. */
static oclstm_status take_typed(oclstm__constant *constant, oclstm__onnx_tensor *tensor,
                                oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  static const size_t WIDTHS[] = {sizeof(float),   sizeof(double),  sizeof(int32_t), sizeof(int32_t),
                                  sizeof(int32_t), sizeof(int32_t), sizeof(int32_t), sizeof(int64_t)};
  size_t bytes = oclstm__dtype_bytes(constant->dtype);
  oclstm__list *list = &tensor->numbers;
  bool empty = list->n == 0;
  REQUIRE(list->n == constant->count, OCLSTM_E_FORMAT, "tensor %.*s: %zu elements for a shape of %zu",
          OCLSTM__TEXT(tensor->name), list->n, constant->count);
  REQUIRE(empty || list->element == WIDTHS[constant->dtype], OCLSTM_E_FORMAT,
          "tensor %.*s: data of another type than %s", OCLSTM__TEXT(tensor->name),
          oclstm__dtype_name(constant->dtype));
  for (size_t k = 0; bytes < sizeof(int32_t) && k < list->n; ++k) {
    memmove(list->data + k * bytes, list->data + k * list->element, bytes);
  }
  constant->owned = list->data;
  constant->data = list->data;
  list->data = NULL;
done:
  return status;
}

oclstm_status oclstm__constant_read(oclstm__constant *constant, const oclstm_allocator *allocator,
                                    oclstm__view tensor, const oclstm_limits *limits,
                                    const oclstm__onnx_folder *folder, oclstm__view *name,
                                    oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__onnx_tensor found;
  size_t bytes = 0;
  *constant = (oclstm__constant){.rank = 0};
  TRY(oclstm__onnx_tensor_read(&found, allocator, tensor, limits, error));
  REQUIRE(found.name.n <= OCLSTM__ONNX_NAME, OCLSTM_E_LIMIT, "a name of %zu bytes, the limit is %d",
          found.name.n, OCLSTM__ONNX_NAME);
  *name = found.name;
  REQUIRE(oclstm__constant_dtype(found.type, &constant->dtype), OCLSTM_E_DTYPE,
          "tensor %.*s: element type %d is not supported", OCLSTM__TEXT(found.name), found.type);
  TRY(take_shape(constant, &found, limits, &bytes, error));
  if (found.external) {
    TRY(oclstm__external_read(&found, folder, allocator, bytes, &constant->owned, error));
    constant->data = constant->owned;
  } else if (found.has_raw) {
    REQUIRE(found.raw.n == bytes && found.numbers.n == 0, OCLSTM_E_FORMAT,
            "tensor %.*s: %zu bytes for %zu elements of %s", OCLSTM__TEXT(found.name), found.raw.n,
            constant->count, oclstm__dtype_name(constant->dtype));
    constant->data = found.raw.at;
  } else {
    TRY(take_typed(constant, &found, error));
  }
done:
  oclstm__onnx_tensor_free(&found);
  return status;
}

oclstm_status oclstm__constant_of_attribute(oclstm__constant *constant, oclstm__onnx_attribute *attribute,
                                            const oclstm_allocator *allocator, const char *label,
                                            oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  bool ints = oclstm__view_is(attribute->name, "value_ints");
  bool floats = oclstm__view_is(attribute->name, "value_floats");
  bool one_int = oclstm__view_is(attribute->name, "value_int");
  oclstm__list *list = ints ? &attribute->ints : &attribute->floats;
  REQUIRE(ints || floats || one_int || oclstm__view_is(attribute->name, "value_float"), OCLSTM_E_UNSUPPORTED,
          "%s: attribute %.*s", label, OCLSTM__TEXT(attribute->name));
  constant->dtype = ints || one_int ? OCLSTM_I64 : OCLSTM_F32;
  if (ints || floats) {
    constant->rank = 1;
    constant->count = constant->dims[0] = list->n;
    constant->owned = list->data;
    list->data = NULL;
  } else {
    constant->count = 1;
    constant->owned = oclstm__alloc(allocator, 1, sizeof(int64_t));
    REQUIRE(constant->owned != NULL, OCLSTM_E_MEMORY, "%s: one number", label);
    memcpy(constant->owned, one_int ? (const void *)&attribute->i : (const void *)&attribute->f,
           oclstm__dtype_bytes(constant->dtype));
  }
  constant->data = constant->owned;
done:
  return status;
}

void oclstm__constant_free(oclstm__constant *constant, const oclstm_allocator *allocator) {
  oclstm__free(allocator, constant->owned);
  constant->owned = NULL;
}

bool oclstm__constant_is_float(const oclstm__constant *constant) {
  return constant->dtype <= OCLSTM_BF16;
}

bool oclstm__constant_int(const oclstm__constant *constant, size_t k, int64_t *value) {
  const unsigned char *at = constant->data + k * oclstm__dtype_bytes(constant->dtype);
  *value = 0;
  if (oclstm__constant_is_float(constant)) {
    return false;
  }
  if (constant->dtype == OCLSTM_I64) {
    memcpy(value, at, sizeof *value);
  } else {
    *value = (int64_t)oclstm__constant_at(constant, k);
  }
  return true;
}

bool oclstm__constant_is_zero(oclstm__constant *constant) {
  if (!constant->looked) {
    constant->looked = true;
    constant->zero = true;
    for (size_t k = 0; constant->zero && k < constant->count; ++k) {
      constant->zero = oclstm__constant_at(constant, k) == 0.0;
    }
  }
  return constant->zero;
}
