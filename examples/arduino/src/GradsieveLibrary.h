/* The header of the C library: the copy beside this file, or that of the repository. */
#ifndef GRADSIEVE_LIBRARY_H
#define GRADSIEVE_LIBRARY_H

#if __has_include("gradsieve.h")
#include "gradsieve.h"
#else
#include "../../../capi/include/gradsieve.h"
#endif

#endif
