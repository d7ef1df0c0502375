// A session with SQLite, which is built with SQLITE_OS_OTHER and knows no system: the program gives it one, a file system
// in memory, so that the library calls back for every page. The same session runs on a database in SQLite's own memory.
#include "sqlite3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT 8

// A file stays after it is closed; its bytes grow as they are written.
typedef struct {
  char name[64];
  unsigned char *bytes;
  sqlite3_int64 size, capacity;
} stored_file;

typedef struct {
  sqlite3_file base;
  stored_file *stored;
} open_file;

static stored_file files[FILE_LIMIT];
static long reads, writes, syncs;

static int file_close(sqlite3_file *file) {
  (void)file;
  return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *buffer, int count, sqlite3_int64 offset) {
  stored_file *stored = ((open_file *)file)->stored;
  reads++;
  sqlite3_int64 available = stored->size > offset ? stored->size - offset : 0;
  if (available > count) available = count;
  memcpy(buffer, stored->bytes + offset, (size_t)available);
  if (available == count) return SQLITE_OK;
  memset((char *)buffer + available, 0, (size_t)(count - available));
  return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *file, const void *buffer, int count, sqlite3_int64 offset) {
  stored_file *stored = ((open_file *)file)->stored;
  writes++;
  sqlite3_int64 end = offset + count;
  if (end > stored->capacity) {
    sqlite3_int64 capacity = end * 2;
    unsigned char *bytes = realloc(stored->bytes, (size_t)capacity);
    if (!bytes) return SQLITE_NOMEM;
    memset(bytes + stored->capacity, 0, (size_t)(capacity - stored->capacity));
    stored->bytes = bytes;
    stored->capacity = capacity;
  }
  memcpy(stored->bytes + offset, buffer, (size_t)count);
  if (end > stored->size) stored->size = end;
  return SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
  ((open_file *)file)->stored->size = size;
  return SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags) {
  (void)file, (void)flags;
  syncs++;
  return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
  *size = ((open_file *)file)->stored->size;
  return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level) {
  (void)file, (void)level;
  return SQLITE_OK;
}

static int file_check_lock(sqlite3_file *file, int *result) {
  (void)file;
  *result = 0;
  return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int operation, void *argument) {
  (void)file, (void)operation, (void)argument;
  return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *file) {
  (void)file;
  return 512;
}

static int file_characteristics(sqlite3_file *file) {
  (void)file;
  return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

static stored_file *find(const char *name) {
  for (int i = 0; i < FILE_LIMIT; i++)
    if (!strcmp(files[i].name, name)) return &files[i];
  return NULL;
}

static int system_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *result) {
  (void)vfs;
  stored_file *stored = find(name ? name : "unnamed");
  for (int i = 0; !stored && i < FILE_LIMIT; i++)
    if (!files[i].name[0]) {
      stored = &files[i];
      strncpy(stored->name, name ? name : "unnamed", sizeof stored->name - 1);
    }
  if (!stored) return SQLITE_CANTOPEN;
  ((open_file *)file)->stored = stored;
  file->pMethods = &methods;
  if (result) *result = flags;
  return SQLITE_OK;
}

static int system_delete(sqlite3_vfs *vfs, const char *name, int sync) {
  (void)vfs, (void)sync;
  stored_file *stored = find(name);
  if (!stored) return SQLITE_IOERR_DELETE_NOENT;
  free(stored->bytes);
  memset(stored, 0, sizeof *stored);
  return SQLITE_OK;
}

static int system_access(sqlite3_vfs *vfs, const char *name, int flags, int *result) {
  (void)vfs, (void)flags;
  *result = find(name) != NULL;
  return SQLITE_OK;
}

static int system_full_path(sqlite3_vfs *vfs, const char *name, int limit, char *path) {
  (void)vfs;
  snprintf(path, (size_t)limit, "/%s", name);
  return SQLITE_OK;
}

static int system_randomness(sqlite3_vfs *vfs, int count, char *bytes) {
  (void)vfs;
  for (int i = 0; i < count; i++) bytes[i] = (char)(i * 37 + 11);
  return count;
}

static int system_sleep(sqlite3_vfs *vfs, int microseconds) {
  (void)vfs;
  return microseconds;
}

// Always noon of the same day.
static int system_time(sqlite3_vfs *vfs, double *julian_day) {
  (void)vfs;
  *julian_day = 2460000.0;
  return SQLITE_OK;
}

static int system_error(sqlite3_vfs *vfs, int limit, char *text) {
  (void)vfs, (void)limit, (void)text;
  return 0;
}

static sqlite3_vfs vfs = {
    .iVersion = 1,
    .szOsFile = sizeof(open_file),
    .mxPathname = 63,
    .zName = "memory files",
    .xOpen = system_open,
    .xDelete = system_delete,
    .xAccess = system_access,
    .xFullPathname = system_full_path,
    .xRandomness = system_randomness,
    .xSleep = system_sleep,
    .xCurrentTime = system_time,
    .xGetLastError = system_error,
};

int sqlite3_os_init(void) { return sqlite3_vfs_register(&vfs, 1); }
int sqlite3_os_end(void) { return SQLITE_OK; }

static int print_row(void *context, int count, char **values, char **names) {
  (void)context;
  for (int i = 0; i < count; i++) printf("%s%s=%s", i ? ", " : "  ", names[i], values[i] ? values[i] : "NULL");
  printf("\n");
  return 0;
}

static void execute(sqlite3 *database, const char *statement) {
  char *message = NULL;
  printf("%s\n", statement);
  if (sqlite3_exec(database, statement, print_row, NULL, &message) != SQLITE_OK) printf("  error: %s\n", message);
  sqlite3_free(message);
}

// A function and an order of the program's own, which SQL uses.
static void mix(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  sqlite3_int64 x = sqlite3_value_int64(values[0]);
  sqlite3_result_int64(context, (x * 7919 + 13) % 1009);
}

static int backwards(void *context, int left_size, const void *left, int right_size, const void *right) {
  (void)context;
  int order = memcmp(right, left, (size_t)(left_size < right_size ? left_size : right_size));
  return order ? order : right_size - left_size;
}

static void insert_rows(sqlite3 *database) {
  sqlite3_stmt *insert = NULL;
  sqlite3_exec(database, "BEGIN", NULL, NULL, NULL);
  sqlite3_prepare_v2(database, "INSERT INTO item VALUES (?1, ?2, ?3, ?4)", -1, &insert, NULL);
  for (int i = 1; i <= 10000; i++) {
    char *name = sqlite3_mprintf("item %05d", (i * 7919) % 10007);
    sqlite3_bind_int(insert, 1, i);
    sqlite3_bind_text(insert, 2, name, -1, sqlite3_free);
    sqlite3_bind_int(insert, 3, i % 17);
    sqlite3_bind_double(insert, 4, i * 0.25);
    if (sqlite3_step(insert) != SQLITE_DONE) printf("insert: %s\n", sqlite3_errmsg(database));
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  execute(database, "COMMIT");
}

static void session(const char *name) {
  sqlite3 *database = NULL;
  printf("-- %s\n", name);
  if (sqlite3_open(name, &database) != SQLITE_OK) {
    printf("open: %s\n", sqlite3_errmsg(database));
    exit(1);
  }
  sqlite3_create_function(database, "mix", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, mix, NULL, NULL);
  sqlite3_create_collation(database, "backwards", SQLITE_UTF8, NULL, backwards);
  execute(database, "CREATE TABLE kind (id INTEGER PRIMARY KEY, name TEXT NOT NULL)");
  execute(database, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, kind INTEGER REFERENCES kind, price REAL)");
  execute(database, "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 15) "
                    "INSERT INTO kind SELECT i, 'kind ' || char(65 + i) FROM n");
  insert_rows(database);
  execute(database, "CREATE INDEX item_by_name ON item (name)");
  execute(database, "CREATE INDEX item_by_kind ON item (kind, price)");
  execute(database, "SELECT count(*) AS count, sum(price) AS sum, avg(price) AS mean, min(name) AS first, max(name) AS last FROM item");
  execute(database, "SELECT kind.name AS kind, count(*) AS items, round(total(price), 2) AS worth, max(item.name) AS last "
                    "FROM item LEFT JOIN kind ON kind.id = item.kind GROUP BY item.kind HAVING items > 588 ORDER BY worth DESC");
  execute(database, "SELECT id, name FROM item WHERE name BETWEEN 'item 04990' AND 'item 04995' ORDER BY name COLLATE backwards");
  execute(database, "SELECT mix(id) AS mixed, count(*) AS times FROM item GROUP BY mixed ORDER BY times DESC, mixed LIMIT 3");
  execute(database, "EXPLAIN QUERY PLAN SELECT * FROM item WHERE kind = 3 AND price > 100");
  execute(database, "UPDATE item SET price = price * 2 WHERE kind = 3");
  execute(database, "DELETE FROM item WHERE id % 3 = 0");
  execute(database, "SELECT kind, sum(price) OVER (ORDER BY kind) AS running FROM (SELECT kind, sum(price) AS price FROM item GROUP BY kind) LIMIT 5");
  execute(database, "SELECT date('now') AS today, printf('%08.3f', 3.14159) AS pi, upper(hex('ab')) AS hex, length(randomblob(9)) AS blob");
  execute(database, "SELECT * FROM missing_table");
  execute(database, "VACUUM");
  execute(database, "PRAGMA integrity_check");
  printf("changes %d, errors %d\n", sqlite3_total_changes(database), sqlite3_errcode(database));
  sqlite3_close(database);
}

int main(void) {
  printf("SQLite %s\n", sqlite3_libversion());
  session(":memory:");
  session("session.db");
  printf("file system: %d reads, %d writes, %d syncs\n", reads > 0, writes > 100, syncs > 0);
  return sqlite3_shutdown();
}
