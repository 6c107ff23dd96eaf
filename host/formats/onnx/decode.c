/* What nanopb calls for each field: views and lists of numbers, taken where they lie.
 * SPDX-License-Identifier: MIT */
#include "formats/onnx/decode.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"

bool oclstm__view_is(oclstm__view view, const char *text) {
  return view.n == strlen(text) && memcmp(view.at, text, view.n) == 0;
}

bool oclstm__view_equal(oclstm__view a, oclstm__view b) {
  return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

/* ---- lists ---- */

static bool give_up(oclstm__list *list, oclstm_status status) {
  *list->status = status;
  return false;
}

static bool grow(oclstm__list *list, size_t wanted) {
  size_t capacity = oclstm__max(wanted, 2 * list->capacity);
  unsigned char *data = oclstm__alloc(list->allocator, oclstm__max(capacity, 8), list->element);
  if (data == NULL) {
    return give_up(list, OCLSTM_E_MEMORY);
  }
  if (list->n != 0) {
    memcpy(data, list->data, list->n * list->element);
  }
  oclstm__free(list->allocator, list->data);
  list->data = data;
  list->capacity = oclstm__max(capacity, 8);
  return true;
}

bool oclstm__list_add(oclstm__list *list, const void *elements, size_t n) {
  if (n > list->most - list->n) {
    return give_up(list, OCLSTM_E_LIMIT);
  }
  if (n > list->capacity - list->n && !grow(list, list->n + n)) {
    return false;
  }
  if (n != 0) {
    memcpy(list->data + list->n * list->element, elements, n * list->element);
  }
  list->n += n;
  return true;
}

void oclstm__list_free(oclstm__list *list) {
  if (list->data != NULL) {
    oclstm__free(list->allocator, list->data);
    list->data = NULL;
  }
}

/* ---- the stream ---- */

static bool read_bytes(pb_istream_t *stream, pb_byte_t *to, size_t n) {
  oclstm__view *from = stream->state;
  if (n > from->n) {
    return false;
  }
  if (to != NULL && n != 0) {
    memcpy(to, from->at, n);
  }
  from->at += n;
  from->n -= n;
  return true;
}

pb_istream_t oclstm__stream(oclstm__view *bytes) {
  return (pb_istream_t){.callback = read_bytes, .state = bytes, .bytes_left = bytes->n};
}

/* Everything that is left of a field's own stream. nanopb gives a scalar a stream of its own making: that is no view. */
static bool rest_of(pb_istream_t *stream, oclstm__view *rest) {
  if (stream->callback != read_bytes) {
    PB_RETURN_ERROR(stream, "wrong wire type");
  }
  oclstm__view *from = stream->state;
  *rest = (oclstm__view){from->at, stream->bytes_left};
  from->at += rest->n;
  from->n -= rest->n;
  stream->bytes_left = 0;
  return true;
}

/* ---- fields ---- */

static bool view_field(pb_istream_t *stream, const pb_field_t *field, void **to) {
  (void)field;
  return rest_of(stream, *to);
}

static bool views_field(pb_istream_t *stream, const pb_field_t *field, void **to) {
  oclstm__view view;
  (void)field;
  return rest_of(stream, &view) && oclstm__list_add(*to, &view, 1);
}

static bool fixed_field(pb_istream_t *stream, const pb_field_t *field, void **to) {
  oclstm__list *list = *to;
  oclstm__view rest;
  unsigned char element[8];
  (void)field;
  if (stream->callback != read_bytes) {
    return pb_read(stream, element, list->element) && oclstm__list_add(list, element, 1);
  }
  if (stream->bytes_left % list->element != 0) {
    PB_RETURN_ERROR(stream, "packed numbers of a broken length");
  }
  return rest_of(stream, &rest) && oclstm__list_add(list, rest.at, rest.n / list->element);
}

static bool varints_field(pb_istream_t *stream, const pb_field_t *field, void **to) {
  oclstm__list *list = *to;
  (void)field;
  while (stream->bytes_left > 0) {
    uint64_t value = 0;
    if (!pb_decode_varint(stream, &value)) {
      return false;
    }
    if (!oclstm__list_add(list, &value, 1)) { /* the low bytes of a little-endian number are its first */
      return false;
    }
  }
  return true;
}

pb_callback_t oclstm__take_view(oclstm__view *to) {
  return (pb_callback_t){.funcs.decode = view_field, .arg = to};
}

pb_callback_t oclstm__take_views(oclstm__list *to) {
  return (pb_callback_t){.funcs.decode = views_field, .arg = to};
}

pb_callback_t oclstm__take_fixed(oclstm__list *to) {
  return (pb_callback_t){.funcs.decode = fixed_field, .arg = to};
}

pb_callback_t oclstm__take_varints(oclstm__list *to) {
  return (pb_callback_t){.funcs.decode = varints_field, .arg = to};
}

oclstm_status oclstm__decode(oclstm__view bytes, const pb_msgdesc_t *fields, void *message,
                             const oclstm_status *cause, const char *what, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  oclstm__view rest = bytes;
  pb_istream_t stream = oclstm__stream(&rest);
  bool decoded = pb_decode_ex(&stream, fields, message, PB_DECODE_NOINIT);
  if (!decoded && cause != NULL && *cause != OCLSTM_OK) {
    REQUIRE(false, *cause, "%s: %s", what,
            *cause == OCLSTM_E_MEMORY ? "no memory" : "more elements than the limits allow");
  }
  REQUIRE(decoded, OCLSTM_E_FORMAT, "%s: %s, %zu bytes before its end", what,
          stream.errmsg != NULL ? stream.errmsg : "a field of the wrong type", rest.n);
done:
  return status;
}
