/* A stand-in for Zephyr's, for the check. */
#include <stdio.h>
#define printk printf
