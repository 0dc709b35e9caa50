#pragma once
#include <stddef.h>

// How many bytes the process has allocated and not freed, by all threads.
size_t allocated_bytes(void);

// Returns to the system what was freed and is kept for later, so that the resident size counts only what is in use.
void give_back_freed_memory(void);
