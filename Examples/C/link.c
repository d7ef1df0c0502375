/*
 * Links WebAssembly in memory: reads files, hands their bytes to the linker, and writes the result.
 *
 *   cc link.c $(pkg-config --cflags --libs solder) -o link
 *   ./link OUTPUT INPUT... [-- OPTION...]
 */
#include <solder.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void report(void *context, const solder_diagnostic *diagnostic) {
  (void)context;
  fprintf(stderr, "%s: %s\n", diagnostic->code, diagnostic->message);
  for (size_t i = 0; i < diagnostic->note_count; i++) fprintf(stderr, "  %s\n", diagnostic->notes[i]);
}

static unsigned char *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return NULL;
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  unsigned char *bytes = malloc(*size + 1);
  if (bytes != NULL && fread(bytes, 1, *size, file) != *size) {
    free(bytes);
    bytes = NULL;
  }
  fclose(file);
  return bytes;
}

int main(int count, char **arguments) {
  if (count < 3) {
    fprintf(stderr, "usage: %s OUTPUT INPUT... [-- OPTION...]\n", arguments[0]);
    return 2;
  }
  solder_link *link = solder_link_create();
  solder_link_set_diagnostics(link, report, NULL);
  for (int i = 2; i < count; i++) {
    if (strcmp(arguments[i], "--") == 0) {
      solder_link_add_arguments(link, (const char *const *)&arguments[i + 1], (size_t)(count - i - 1));
      break;
    }
    size_t size = 0;
    unsigned char *bytes = read_file(arguments[i], &size);
    if (bytes == NULL) {
      fprintf(stderr, "cannot read %s\n", arguments[i]);
      return 2;
    }
    solder_link_add_bytes(link, arguments[i], NULL, bytes, size);
    free(bytes); /* The linker has a copy. */
  }
  solder_result *result = NULL;
  solder_status status = solder_link_run(link, &result);
  if (status == SOLDER_OK) {
    FILE *file = fopen(arguments[1], "wb");
    size_t size = solder_result_size(result);
    int written = file != NULL && fwrite(solder_result_bytes(result), 1, size, file) == size;
    if (file != NULL && fclose(file) != 0) written = 0;
    if (!written) {
      fprintf(stderr, "cannot write %s\n", arguments[1]);
      solder_result_destroy(result);
      solder_link_destroy(link);
      return 2;
    }
    for (size_t i = 0; i < solder_result_import_count(result); i++) {
      printf("import %s.%s\n", solder_result_import_module(result, i), solder_result_import_name(result, i));
    }
    for (size_t i = 0; i < solder_result_export_count(result); i++) {
      printf("export %s\n", solder_result_export_name(result, i));
    }
  } else {
    fprintf(stderr, "%s\n", solder_status_text(status));
  }
  solder_result_destroy(result);
  solder_link_destroy(link);
  return status == SOLDER_OK ? 0 : 1;
}
