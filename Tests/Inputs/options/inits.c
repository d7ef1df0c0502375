// Constructors of several priorities.
int order;
__attribute__((constructor(101))) void first(void) { order = order * 10 + 1; }
__attribute__((constructor(65000))) void later(void) { order = order * 10 + 3; }
__attribute__((constructor(200))) void second_constructor(void) { order = order * 10 + 2; }
int get_order(void) { return order; }
