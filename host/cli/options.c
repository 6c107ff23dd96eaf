/* Reading a command line: getopt_long round the table of options.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "option_table.h"

enum { FIRST_LONG = 256 }; /* what getopt_long gives for entry 0 */

/* ---- reading values ---- */

/* Digits only: strtoull would take signs and blanks. */
static bool read_digits(const char *text, uint64_t *value, const char **end) {
  char *stop = NULL;
  if (!isdigit((unsigned char)text[0])) {
    return false;
  }
  errno = 0;
  *value = strtoull(text, &stop, 10);
  *end = stop;
  return errno == 0;
}

static bool read_bytes(const char *text, uint64_t *bytes) {
  const char *end = NULL;
  unsigned shift = 0;
  if (!read_digits(text, bytes, &end)) {
    return false;
  }
  switch (*end) {
    case 'K': shift = 10; break;
    case 'M': shift = 20; break;
    case 'G': shift = 30; break;
    default: break;
  }
  if (end[shift != 0] != '\0' || *bytes == 0 || *bytes > UINT64_MAX >> shift) {
    return false;
  }
  *bytes <<= shift;
  return true;
}

static int read_choice(const option_entry *o, const char *text, int *value) {
  size_t n = 0;
  for (; o->choices[n] != NULL; ++n) {
    if (strcmp(text, o->choices[n]) == 0) {
      *value = (int)n;
      return CLI_DONE;
    }
  }
  const char *near = cli_suggest(text, o->choices, n);
  return near != NULL ? cli_usage("--%s: unknown value '%s'; did you mean '%s'?", o->name, text, near)
                      : cli_usage("--%s: unknown value '%s'; expected %s", o->name, text, o->argument);
}

static int read_list(const option_entry *o, const char *text, cli_list *list) {
  int ignored = 0;
  int code = o->choices != NULL ? read_choice(o, text, &ignored) : CLI_DONE;
  if (code == CLI_DONE && text[0] == '\0') {
    return cli_usage("--%s: the value is empty", o->name);
  }
  if (code == CLI_DONE && list->n == CLI_MOST_VALUES) {
    return cli_usage("--%s: more than %d values", o->name, (int)CLI_MOST_VALUES);
  }
  if (code == CLI_DONE) {
    list->values[list->n++] = text;
  }
  return code;
}

static int read_number(const option_entry *o, const char *text, uint64_t least, uint64_t *value) {
  const char *end = "";
  if (!read_digits(text, value, &end) || *end != '\0' || *value < least || *value > SIZE_MAX) {
    return cli_usage("--%s: '%s' is not a whole number from %llu on", o->name, text,
                     (unsigned long long)least);
  }
  return CLI_DONE;
}

static int read_value(const option_entry *o, const char *text, cli_options *options) {
  void *member = (char *)options + o->member;
  switch (o->kind) {
    case FLAG: *(bool *)member = true; return CLI_DONE;
    case CHOICE: return read_choice(o, text, member);
    case LIST: return read_list(o, text, member);
    case COUNT: return read_number(o, text, 1, member);
    case NUMBER: return read_number(o, text, 0, member);
    case BYTES:
      return read_bytes(text, member)
                 ? CLI_DONE
                 : cli_usage("--%s: '%s' is not a size such as 512M (K, M and G are powers of 1024)", o->name,
                             text);
    case UNAVAILABLE: return cli_usage("--%s is not available in this version", o->name);
    case TEXT: break;
  }
  if (text[0] == '\0') {
    return cli_usage("--%s: the value is empty", o->name);
  }
  *(const char **)member = text;
  return CLI_DONE;
}

/* ---- getopt_long ---- */

typedef struct getopt_tables {
  struct option longs[CLI_OPTIONS + 1];
  char shorts[2 * CLI_OPTIONS + 2];
  const char *names[CLI_OPTIONS];
  size_t n;
} getopt_tables;

static void fill_tables(unsigned command, getopt_tables *tables) {
  size_t at = 0;
  memset(tables, 0, sizeof *tables);
  tables->shorts[at++] = ':';
  for (size_t k = 0; k < cli_option_count; ++k) {
    const option_entry *o = &cli_option_table[k];
    if ((o->commands & command) == 0) {
      continue;
    }
    int has_value = o->argument != NULL ? required_argument : no_argument;
    tables->longs[tables->n] = (struct option){o->name, has_value, NULL, FIRST_LONG + (int)k};
    tables->names[tables->n++] = o->name;
    if (o->letter != 0) {
      tables->shorts[at++] = o->letter;
      if (has_value == required_argument) {
        tables->shorts[at++] = ':';
      }
    }
  }
}

static const option_entry *find_option(int found) {
  for (size_t k = 0; k < cli_option_count; ++k) {
    if (found == FIRST_LONG + (int)k ||
        (cli_option_table[k].letter != 0 && found == cli_option_table[k].letter)) {
      return &cli_option_table[k];
    }
  }
  return NULL;
}

static int unknown_option(const getopt_tables *tables, const char *command, const char *written) {
  char name[64] = "";
  if (optopt > 0 && optopt < FIRST_LONG) {
    return cli_usage("unknown option '-%c'; see 'oclstm %s --help'", isprint(optopt) ? optopt : '?', command);
  }
  if (optopt >= FIRST_LONG) {
    return cli_usage("--%s takes no value", find_option(optopt)->name);
  }
  (void)snprintf(name, sizeof name, "%s", written + 2);
  name[strcspn(name, "=")] = '\0';
  const char *near = cli_suggest(name, tables->names, tables->n);
  return near != NULL ? cli_usage("unknown option '--%s'; did you mean '--%s'?", name, near)
                      : cli_usage("unknown option '--%s'; see 'oclstm %s --help'", name, command);
}

static int missing_value(void) {
  const option_entry *o = find_option(optopt);
  return cli_usage("--%s needs a value: %s", o->name, o->argument);
}

/* What is not given is the environment's. */
static int read_environment(cli_options *options) {
  const char *text = cli_environment("OCLSTM_TUNING");
  bool given = options->tuning >= 0;
  options->tuning = given ? options->tuning : OCLSTM_TUNING_DEFAULT;
  if (given || text == NULL) {
    return CLI_DONE;
  }
  options->tuning = cli_tuning_of(text);
  return options->tuning >= 0
             ? CLI_DONE
             : cli_usage("OCLSTM_TUNING: unknown value '%s'; expected default, none or again", text);
}

int cli_parse_options(unsigned command, int argc, char **argv, cli_options *options) {
  getopt_tables tables;
  int found = 0;
  *options = (cli_options){.layout = -1, .output_layout = -1, .tuning = -1, .log_level = OCLSTM_LOG_WARNING};
  fill_tables(command, &tables);
  opterr = 0;
  optind = 1;
  while ((found = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
    if (found == '?') {
      return unknown_option(&tables, argv[0], argv[optind - 1]);
    }
    if (found == ':') {
      return missing_value();
    }
    int code = read_value(find_option(found), optarg, options);
    if (code != CLI_DONE) {
      return code;
    }
  }
  options->log_level =
      options->quiet && options->log_level == OCLSTM_LOG_WARNING ? OCLSTM_LOG_ERROR : options->log_level;
  options->n_arguments = (size_t)(argc - optind);
  options->arguments = argv + optind;
  return read_environment(options);
}
