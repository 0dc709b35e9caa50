#include "CAllocations.h"
#include <errno.h>
#include <malloc.h>

size_t allocated_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    // what is mapped by itself is counted apart
    return info.uordblks + info.hblkhd;
}

void give_back_freed_memory(void) { malloc_trim(0); }

static _Thread_local uint64_t count;
static _Thread_local int64_t balance;

uint64_t allocation_count(void) { return count; }

int64_t allocation_balance(void) { return balance; }

// A sanitizer has an allocator of its own, of which nothing is counted.
#if !defined(__SANITIZE_ADDRESS__) && !(defined(__has_feature) && __has_feature(address_sanitizer))

// The program's own functions take the place of glibc's, which they lead to by glibc's other names for them.
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

static void *counted(void *block) {
    count++;
    balance += malloc_usable_size(block);
    return block;
}

void *malloc(size_t size) { return counted(__libc_malloc(size)); }

void *calloc(size_t number, size_t size) { return counted(__libc_calloc(number, size)); }

void *realloc(void *block, size_t size) {
    size_t before = malloc_usable_size(block);
    void *after = __libc_realloc(block, size);
    // what could not be made larger stays; what is made nothing is freed
    if (after || size == 0) balance -= before;
    return counted(after);
}

void *aligned_alloc(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }

void *memalign(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    *block = counted(__libc_memalign(alignment, size));
    return *block ? 0 : ENOMEM;
}

void free(void *block) {
    balance -= malloc_usable_size(block);
    __libc_free(block);
}

#endif
