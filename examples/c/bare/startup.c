/* What runs before main on a Cortex-M4F, and what main calls of a C library: start-up,
 * printing and leaving by semihosting, memory. With newlib (arm-none-eabi-gcc
 * --specs=rdimon.specs) only the start-up is needed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern uint32_t data_start[], data_end[], data_image[], bss_start[], bss_end[], heap_start[], stack_top[];

int main(void);

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_EXIT_EXTENDED = 0x20, EXIT = 0x20026 };

/* Asks the debugger, or QEMU, for something. */
static uint32_t semihosting(uint32_t operation, const void *arguments) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static char line[512];
static size_t length;

static void flush(void) {
    static uint32_t out;
    if (out == 0) {
        const uint32_t open[3] = {(uint32_t)(uintptr_t)":tt", 4, 3};
        out = semihosting(SYS_OPEN, open);
    }
    const uint32_t write[3] = {out, (uint32_t)(uintptr_t)line, (uint32_t)length};
    if (length > 0) semihosting(SYS_WRITE, write);
    length = 0;
}

void exit(int status) {
    flush();
    const uint32_t arguments[2] = {EXIT, (uint32_t)status};
    for (;;) semihosting(SYS_EXIT_EXTENDED, arguments);
}

void start(void) {
    memcpy(data_start, data_image, (size_t)((char *)data_end - (char *)data_start));
    memset(bss_start, 0, (size_t)((char *)bss_end - (char *)bss_start));
    exit(main());
}

/* Switches the floating-point unit on before a function may use its registers. */
__attribute__((naked, noreturn)) void reset(void) {
    __asm__ volatile(
        "ldr r0, =0xE000ED88\n"
        "ldr r1, [r0]\n"
        "orr r1, r1, #0xF00000\n"
        "str r1, [r0]\n"
        "dsb\n"
        "isb\n"
        "b start\n"
        ".ltorg\n");
}

static void fault(void) { exit(255); }

typedef union vector {
    void *stack;
    void (*handler)(void);
} vector;

__attribute__((section(".vectors"), used)) static const vector VECTORS[16] = {
    {stack_top},       {.handler = reset}, {.handler = fault}, {.handler = fault},
    {.handler = fault}, {.handler = fault}, {.handler = fault},
};

static void put(char c) {
    line[length++] = c;
    if (length == sizeof line) flush();
}

static void put_number(uint32_t number, uint32_t base, size_t width, char fill) {
    char digits[10];
    size_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    for (; width > count; width--) put(fill);
    while (count > 0) put(digits[--count]);
}

/* Of printf: %s, %.*s, %d, %u, %x with a width and leading zeros, %%. */
static void print(const char *format, va_list arguments) {
    for (const char *at = format; *at != '\0'; at++) {
        if (*at != '%') {
            put(*at);
            continue;
        }
        at++;
        const char fill = *at == '0' ? '0' : ' ';
        size_t width = 0, most = SIZE_MAX;
        for (; *at >= '0' && *at <= '9'; at++) width = 10 * width + (size_t)(*at - '0');
        if (at[0] == '.' && at[1] == '*') {
            most = (size_t)va_arg(arguments, int);
            at += 2;
        }
        if (*at == 'l' || *at == 'z') at++; /* as wide as an int here */
        switch (*at) {
        case 's':
            for (const char *text = va_arg(arguments, const char *); most > 0 && *text != '\0'; most--) put(*text++);
            break;
        case 'd': {
            const int number = va_arg(arguments, int);
            if (number < 0) put('-');
            put_number(number < 0 ? 0u - (uint32_t)number : (uint32_t)number, 10, width, fill);
            break;
        }
        case 'u': put_number(va_arg(arguments, unsigned), 10, width, fill); break;
        case 'x': put_number(va_arg(arguments, unsigned), 16, width, fill); break;
        default: put(*at);
        }
    }
}

int printf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
    return 0;
}

int fprintf(FILE *file, const char *format, ...) {
    (void)file;
    va_list arguments;
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
    return 0;
}

int puts(const char *text) { return printf("%s\n", text); }

int putchar(int c) {
    put((char)c);
    return c;
}

/* For the tests of the C library alone: memory is given and not taken back. */
void *malloc(size_t bytes) {
    static uint64_t *next;
    uint64_t *const given = next != NULL ? next : (uint64_t *)(void *)heap_start;
    next = given + (bytes + 7) / 8;
    return given;
}

void free(void *memory) { (void)memory; }
