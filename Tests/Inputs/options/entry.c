// A reactor's entry and another entry.
int state;
void _initialize(void) { state = 1; }
int begin_here(int x) { return state + x; }
__attribute__((export_name("reactor"))) int reactor(void) { return state; }
