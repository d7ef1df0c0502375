#include "solder.h"
