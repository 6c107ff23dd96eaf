/* For interop.py: `model_tool FROM TO` loads a model, prints a line about each layer and one about embedding and head,
 * and saves it.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "oclstm/oclstm.h"

int main(int argc, char **argv) {
  static const char *const KINDS[] = {"lstm", "gru", "rnn"};
  oclstm_model *model = NULL;
  oclstm_error error = {OCLSTM_OK, 0, 0, ""};
  if (argc != 3) {
    return 2;
  }
  if (oclstm_model_load(argv[1], NULL, &model, &error) != OCLSTM_OK) {
    (void)printf("%s: %s\n", oclstm_status_name(error.status), error.text);
    return 1;
  }
  for (size_t l = 0; l < oclstm_model_n_layers(model); ++l) {
    const oclstm_layer *layer = oclstm_model_layer(model, l);
    (void)printf("%s I=%zu H=%zu P=%zu bias=%d directions=%zu\n", KINDS[layer->kind], layer->input_size,
                 layer->hidden_size, layer->projection_size, (int)layer->bias,
                 oclstm_layer_directions(layer));
  }
  (void)printf("embedding %zu head %zu\n", oclstm_model_embedding_size(model), oclstm_model_head_size(model));
  int failed = oclstm_model_save(model, argv[2], &error) != OCLSTM_OK;
  if (failed) {
    (void)printf("%s: %s\n", oclstm_status_name(error.status), error.text);
  }
  oclstm_model_destroy(&model);
  return failed;
}
