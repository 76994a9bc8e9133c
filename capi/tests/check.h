/* What the tests have in common. They are C99 and C++11. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gradsieve.h"

/* Ends the program unless it is so. */
#define CHECK(is_so) \
    do { \
        if (!(is_so)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #is_so); \
            exit(1); \
        } \
    } while (0)

/* Ends the program unless the call returns that status. */
#define RETURNS(status, call) \
    do { \
        const gradsieve_status found = (call); \
        if (found != (status)) { \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, gradsieve_status_text(found)); \
            exit(1); \
        } \
    } while (0)

#define OK(call) RETURNS(GRADSIEVE_STATUS_OK, call)

/* Memory for a state of any size, which a sanitizer watches to the byte. */
static inline void *memory_of(size_t bytes) {
    void *const memory = malloc(bytes);
    CHECK(memory != NULL);
    memset(memory, 0xA5, bytes);
    return memory;
}

#endif
