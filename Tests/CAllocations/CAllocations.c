#include "CAllocations.h"
#include <malloc.h>

size_t allocated_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    // what is mapped by itself is counted apart
    return info.uordblks + info.hblkhd;
}

void give_back_freed_memory(void) { malloc_trim(0); }
