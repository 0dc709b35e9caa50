// The page's files, inside the program.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// A file of Sources/Web/Page.
struct page_file {
    const char *name;
    /// `count` bytes that are there as long as the program.
    const uint8_t *bytes;
    size_t count;
};

/// The first of `page_file_count()` files.
const struct page_file *page_files(void);
size_t page_file_count(void);
