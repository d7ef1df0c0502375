// Thread-local data of both kinds.
_Thread_local int counter = 3;
_Thread_local int zero_counter;
static _Thread_local char buffer[16];
int next_counter(int x) { return counter++ + zero_counter + buffer[x & 15]; }
