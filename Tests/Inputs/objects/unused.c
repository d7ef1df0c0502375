#include "parts.h"

// A member of an archive that nothing needs: were it pulled, its constructor would be heard.
#include <stdio.h>
int unused(int x) { return x; }
__attribute__((constructor)) static void loud(void) { puts("an archive member too many"); }
