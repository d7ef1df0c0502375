// Defines again, and in part with other types, what main.c, helper.c and weak.c define.
int shared_data = 8;
int twice(int x) { return x + 2; }
long long maybe(long long x) { return x; }
int second_only(int x) { return x ^ shared_data; }
