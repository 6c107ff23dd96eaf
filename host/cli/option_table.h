/* The one table of options, for all subcommands.
 * SPDX-License-Identifier: MIT */
#ifndef OCLSTM_CLI_OPTION_TABLE_H
#define OCLSTM_CLI_OPTION_TABLE_H

#include "cli.h"

typedef enum value_kind { FLAG, TEXT, CHOICE, COUNT, NUMBER, BYTES, LIST, UNAVAILABLE } value_kind;

typedef struct option_entry {
  const char *name;
  char letter; /* or 0 */
  unsigned commands;
  value_kind kind;
  size_t member;              /* of cli_options */
  const char *const *choices; /* CHOICE: their places are the values */
  const char *argument;
  const char *help;
} option_entry;

enum { CLI_OPTIONS = 64 }; /* at least as many as there are */
extern const option_entry cli_option_table[];
extern const size_t cli_option_count;

#endif
