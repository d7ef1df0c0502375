// Refers to what nobody defines.
int nowhere(int);
extern int nowhere_data;
extern int nowhere_array[4];
int (*address_of_nowhere)(int) = nowhere;
int *address_of_data = &nowhere_array[2];
int uses_missing(int x) { return nowhere(x) + nowhere_data; }
__attribute__((import_module("host"), import_name("log"))) void host_log(int);
__attribute__((import_module("host"), import_name("never"))) void host_never(int);
int uses_host(int x) {
  host_log(x);
  return x;
}
