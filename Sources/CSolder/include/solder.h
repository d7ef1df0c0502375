/*
 * Solder: a static linker for WebAssembly, as a library for C and for every language that can call C.
 *
 * A link is an object: it is given arguments as on a command line, and bytes; it runs once; it says through a callback what
 * is wrong; and it gives a result, which is an object as well. Nothing is global: links may run at the same time on as many
 * threads as one likes. One link belongs to one thread at a time, but for solder_link_cancel.
 *
 * Who owns what: what a function named ..._create or an out parameter gives belongs to the caller, who gives it back with
 * the ..._destroy of its kind. Strings and bytes that are passed in are copied before the call returns. Strings and bytes that
 * come out belong to the object they were asked of, and are there until it is destroyed; those of a diagnostic, until the
 * callback returns. All strings are UTF-8 and end in a null byte.
 *
 * A null pointer where an object, a string or a place for a result is needed gives SOLDER_INVALID_ARGUMENT, or NULL, or 0; it is
 * never followed. solder_..._destroy(NULL) does nothing.
 */
#ifndef SOLDER_H
#define SOLDER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. The first two numbers are those of the library that it belongs to. */
#define SOLDER_VERSION_MAJOR 0
#define SOLDER_VERSION_MINOR 2

/* What came of a call. */
typedef enum solder_status {
  /* It did what it says. */
  SOLDER_OK = 0,
  /* The link failed; the callback was told why. */
  SOLDER_FAILED = 1,
  /* Somebody cancelled the link. */
  SOLDER_CANCELLED = 2,
  /* A pointer is null that must not be, or a link is used again that has run. */
  SOLDER_INVALID_ARGUMENT = 3,
  /* The arguments ask for a text instead of a link, as --help and --version do; the callback got it as a note. */
  SOLDER_PRINTED = 4
} solder_status;

/* What kind of message a diagnostic is. */
typedef enum solder_severity {
  /* The link fails. */
  SOLDER_ERROR = 0,
  /* Likely a mistake. */
  SOLDER_WARNING = 1,
  /* A report that was asked for, such as the lines of --trace. */
  SOLDER_NOTE = 2,
  /* A line of --verbose, or a hint. */
  SOLDER_LOG = 3
} solder_severity;

/* One message of a link. */
typedef struct solder_diagnostic {
  /* What kind of message it is. */
  solder_severity severity;
  /* What it is about, by a name that stays the same from release to release: "undefined-symbol". */
  const char *code;
  /* The whole text as a person reads it, of one or more lines, without the linker's name. */
  const char *text;
  /* Its first line. */
  const char *message;
  /* What else there is to say, a line each: who refers to a symbol, what may be meant. */
  const char *const *notes;
  size_t note_count;
  /* The symbol it is about, by the name that files have for it; NULL if it is about none. */
  const char *symbol;
  /* The files it is about, "libc.a(printf.o)" for a member of an archive. */
  const char *const *files;
  size_t file_count;
  /* Where in the first file something is damaged, in bytes from its beginning; -1 if it is about no place. */
  int64_t offset;
} solder_diagnostic;

/*
 * Gets a message. It is called on the thread that runs the link or on threads of the link, but never by two of them at the
 * same time for one link. It must not use the link, but for solder_link_cancel, and must not leave by longjmp or an exception.
 */
typedef void (*solder_diagnostic_callback)(void *context, const solder_diagnostic *diagnostic);

/* A link that is being prepared, or runs. */
typedef struct solder_link solder_link;

/* A module that was linked. */
typedef struct solder_result solder_result;

/* The version of the library: "0.2.0". It is there for as long as the process. */
const char *solder_version(void);

/* What a status means, in a few words. It is there for as long as the process. */
const char *solder_status_text(solder_status status);

/* Makes a link without any arguments. The caller owns it. */
solder_link *solder_link_create(void);

/* Gives a link back; it must not run any more. */
void solder_link_destroy(solder_link *link);

/*
 * Adds arguments of a command line, as `solder --help` lists them, without the program's name: options and paths of
 * inputs. May be called several times: inputs stand in the order of the calls, solder_link_add_bytes among them.
 */
solder_status solder_link_add_arguments(solder_link *link, const char *const *arguments, size_t count);

/*
 * Adds an input that is no file: an object, an archive, a shared library or a module.
 *
 *   name         what messages call it
 *   module_name  the name under which other inputs import from it, or NULL if it has none
 *   bytes        its contents, which are copied; may be NULL if count is 0
 */
solder_status solder_link_add_bytes(
    solder_link *link, const char *name, const char *module_name, const void *bytes, size_t count);

/* Sets who gets messages. Without a callback (or with NULL) they go to standard output and standard error. */
solder_status solder_link_set_diagnostics(solder_link *link, solder_diagnostic_callback callback, void *context);

/* Links in memory, once. *result is NULL unless the status is SOLDER_OK; the caller owns it. */
solder_status solder_link_run(solder_link *link, solder_result **result);

/*
 * Links, once, and writes the file that the argument -o names. On an error an old file of that name is as it was. If result
 * is not NULL, *result is what was linked, without its bytes, or NULL unless the status is SOLDER_OK.
 */
solder_status solder_link_write(solder_link *link, solder_result **result);

/* Ends a link at the next opportunity; may be called by any thread, also before the link runs. */
solder_status solder_link_cancel(solder_link *link);

/* Gives a result back, with all that was asked of it. */
void solder_result_destroy(solder_result *result);

/* The module's bytes; NULL if it was written to a file. */
const uint8_t *solder_result_bytes(const solder_result *result);

/* How many bytes the module has. */
size_t solder_result_size(const solder_result *result);

/* How many imports the module has. */
size_t solder_result_import_count(const solder_result *result);

/* The module name and the name of an import; NULL beyond the last. */
const char *solder_result_import_module(const solder_result *result, size_t index);
const char *solder_result_import_name(const solder_result *result, size_t index);

/* How many exports the module has. */
size_t solder_result_export_count(const solder_result *result);

/* The name of an export; NULL beyond the last. */
const char *solder_result_export_name(const solder_result *result, size_t index);

/* The link map, as -Map writes it; NULL for a module that was linked alone. */
const char *solder_result_map(solder_result *result);

/*
 * Runs a whole command line, the program's name first, with messages on standard output and standard error.
 * Returns the exit status: 0, or 1 after an error.
 */
int solder_main(int count, const char *const *arguments);

#ifdef __cplusplus
}
#endif

#endif
