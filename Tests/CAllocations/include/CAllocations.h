#pragma once
#include <stddef.h>

// How many bytes the process has allocated and not freed, by all threads.
size_t allocated_bytes(void);
