/* A stand-in for Zephyr's, for the check. */
#include <stddef.h>
#include <stdint.h>
