extern _Thread_local int counter;
int next_counter(int);
int two_counters(int x) { return counter + next_counter(x); }
