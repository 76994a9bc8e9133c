/* Of the standard header what startup.c has. */
#ifndef STDIO_H
#define STDIO_H

typedef struct FILE FILE;

#define stderr ((FILE *)0)

int printf(const char *format, ...);
int fprintf(FILE *file, const char *format, ...);
int puts(const char *text);
int putchar(int c);

#endif
