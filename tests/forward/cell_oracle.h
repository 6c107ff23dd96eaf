/* The equations of every cell once more, unit by unit and row by row, to hold the reference against.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_TEST_CELL_ORACLE_H
#define OCLSTM_TEST_CELL_ORACLE_H

#include "support.h"

/* What the job's network gives (a time-major job, sizes up to 64, at most 16 steps, two layers). */
test_result oracle_job(const test_job *job);

#endif
