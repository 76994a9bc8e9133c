#ifndef CODECS_H
#define CODECS_H

#include "gradsieve.h"

/* All codecs, the most exact first. */
static const uint32_t CODECS[] = {GRADSIEVE_CODEC_F32, GRADSIEVE_CODEC_F16, GRADSIEVE_CODEC_BF16,
                                  GRADSIEVE_CODEC_INT8, GRADSIEVE_CODEC_FOUR_BITS,
                                  GRADSIEVE_CODEC_TWO_BITS, GRADSIEVE_CODEC_ONE_BIT};

enum { CODEC_COUNT = sizeof CODECS / sizeof CODECS[0] };

#endif
