/* What a peer is given and what it leaves.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_BENCH_PEER_FILES_H
#define OCLSTM_BENCH_PEER_FILES_H

#include <jansson.h>

#include "bench.h"

/* Writes x and the weights into the folder and their paths, and that of y, into the request. */
oclstm_status bench_peer_write(const char *folder, const bench_data *data, json_t *request,
                               oclstm_error *error);
/* Reads y. */
bool bench_peer_read(const char *folder, bench_data *data, char why[BENCH_TEXT]);
void bench_peer_remove(const char *folder, const bench_shape *shape);

#endif
