/* Of the standard header what startup.c has. */
#ifndef STDLIB_H
#define STDLIB_H

#include <stddef.h>

void *malloc(size_t bytes);
void free(void *memory);
void exit(int status) __attribute__((noreturn));

#endif
