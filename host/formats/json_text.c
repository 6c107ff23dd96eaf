/* JSON from strangers: bounded in depth and in size before the parser sees it.
 * SPDX-License-Identifier: MIT */
#include "formats/json_text.h"

#include <stdbool.h>

#include "core/error.h"

/* One pass over the text, without memory. The parser takes some 100 bytes a value, which may be two bytes of text:
 * the count bounds that. Text that is no JSON is the parser's to refuse. */
static oclstm_status check_bounds(const char *text, size_t n, size_t max_depth, uint64_t max_values,
                                  const char *what, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  size_t depth = 0;
  uint64_t values = 0;
  int in_string = 0;
  for (size_t k = 0; k < n; ++k) {
    char c = text[k];
    if (in_string) {
      k += c == '\\' ? 1U : 0U;
      in_string = c != '"';
      continue;
    }
    in_string = c == '"';
    values += c == ',' || c == '{' || c == '[' ? 1U : 0U;
    if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
    REQUIRE(depth <= max_depth, OCLSTM_E_FORMAT, "%s: byte %zu: nested deeper than %zu", what, k, max_depth);
    REQUIRE(values <= max_values, OCLSTM_E_LIMIT, "%s: byte %zu: more than %llu values", what, k,
            (unsigned long long)max_values);
  }
done:
  return status;
}

oclstm_status oclstm__json_object(const char *text, size_t n, size_t max_depth, uint64_t max_values,
                                  const char *what, json_t **root, oclstm_error *error) {
  oclstm_status status = OCLSTM_OK;
  json_error_t why;
  *root = NULL;
  REQUIRE(n > 0 && text[0] == '{', OCLSTM_E_FORMAT, "%s does not begin with '{'", what);
  TRY(check_bounds(text, n, max_depth, max_values, what, error));
  *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
  if (*root == NULL) {
    bool memory = json_error_code(&why) == json_error_out_of_memory;
    status = oclstm__fail(error, memory ? OCLSTM_E_MEMORY : OCLSTM_E_FORMAT, "%s: byte %d: %s", what,
                          why.position, why.text);
  }
done:
  return status;
}
