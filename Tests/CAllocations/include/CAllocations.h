#pragma once
#include <stddef.h>
#include <stdint.h>

// How many bytes the process has allocated and not freed, by all threads.
size_t allocated_bytes(void);

// How many blocks the calling thread has asked for, or has had made larger, so far.
uint64_t allocation_count(void);

// How many bytes the calling thread has allocated more than it has freed, whatever other threads do at the same time.
int64_t allocation_balance(void);

// Returns to the system what was freed and is kept for later, so that the resident size counts only what is in use.
void give_back_freed_memory(void);
