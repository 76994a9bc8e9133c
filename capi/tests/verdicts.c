/* Writes the published verdicts, tests/golden/verdicts.csv: the streams of
 * tests/all/verdicts/stream.rs, made and judged in C. */
#include "check.h"

enum { LEN = 960, BLOCK = 16, WIDEST = 64 };

static const uint64_t GOLDEN = 0x9E3779B97F4A7C15u;

static uint64_t mix(uint64_t word) {
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9u;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
    return word ^ (word >> 31);
}

static uint64_t hash_key(uint64_t seed, uint64_t stream) {
    return mix(mix(seed + GOLDEN) ^ stream);
}

static uint64_t hash_word(uint64_t key, uint64_t counter) {
    return mix(key + (counter + 1) * GOLDEN);
}

static float of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t to_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Two to a power, of normal numbers. */
static float power(int exponent) { return of_bits((uint32_t)(exponent + 127) << 23); }

static int integer(uint64_t key, uint64_t at) {
    const uint64_t word = hash_word(key, at);
    return (int)(word >> 54) - (int)(word >> 22 & 1023);
}

typedef struct sample {
    float values[WIDEST];
    uint32_t group;
    float loss;
} sample;

/* A stream, and how it is judged. */
typedef struct stream {
    const char *name;
    gradsieve_sieve_settings settings;
    int has_losses;
    const uint32_t *groups;
    size_t group_count;
} stream;

static sample ordinary(const stream *of, uint64_t i) {
    sample made;
    const uint64_t word = hash_word(1, i);
    made.group = of->groups[(size_t)(word >> 32) % of->group_count];
    made.loss =
        (1.0f + (float)(word >> 8 & 255) / 256.0f) * power((int)(word & 3) - 4 - (int)(i / 400));
    const float length = made.loss * (1.0f + (float)(word >> 16 & 255) / 512.0f) * power(-10);
    for (uint64_t j = 0; j < WIDEST; j++) {
        const int own = integer(hash_key(made.group, 2), j) + integer(3, 64 * i + j) / 2;
        const int turned = 3 * i >= 2 * LEN && j % 2 == 0;
        made.values[j] = (float)(turned ? -own : own) * length;
    }
    return made;
}

static void scale(sample *of, float by) {
    for (size_t j = 0; j < WIDEST; j++) {
        of->values[j] *= by;
    }
}

static sample faulty(const stream *of, uint64_t i) {
    sample made = ordinary(of, i);
    if (i >= LEN / 2 && i < LEN * 7 / 12) {
        const float worse = power((int)(i - LEN / 2) / 4 + 3);
        scale(&made, -worse);
        made.loss *= worse;
        return made;
    }
    if (i % 16 != 9) {
        return made;
    }
    switch (i / 16 % 14) {
    case 0: scale(&made, -1.0f); break;
    case 1: made.loss = 100.0f; break;
    case 2: scale(&made, 0.0f); break;
    case 3: scale(&made, power(-8)); break;
    case 4:
        made = ordinary(of, i - 4);
        scale(&made, 1.5f);
        break;
    case 5: made.values[2] = of_bits(0x7FC00000u); break;
    case 6: made.loss = of_bits(0x7F800000u); break;
    case 7: scale(&made, power(6)); break;
    case 8: memset(made.values + 1, 0, sizeof made.values - sizeof made.values[0]); break;
    case 9: scale(&made, power(120)); break;
    case 10: scale(&made, power(-126)); break;
    case 11: made.loss = 0.0f; break;
    case 12: made.loss = -made.loss; break;
    default:
        scale(&made, power(127));
        scale(&made, power(127));
    }
    return made;
}

static void print_reasons(uint16_t reasons) {
    const char *between = "";
    for (; reasons != 0; reasons &= (uint16_t)(reasons - 1)) {
        printf("%s%s", between, gradsieve_reason_name(reasons));
        between = " ";
    }
}

static void judge(const stream *of) {
    const size_t width = of->settings.width;
    gradsieve_layer layer = {0, 0, 1};
    layer.outputs = width;
    gradsieve_sketcher_settings exact = gradsieve_sketcher_settings_default(width);
    exact.projection = GRADSIEVE_PROJECTION_EXACT;

    size_t bytes;
    gradsieve_sketcher *sketcher;
    OK(gradsieve_sketcher_size(&exact, &layer, 1, &bytes, NULL));
    void *const sketcher_memory = memory_of(bytes);
    OK(gradsieve_sketcher_init(sketcher_memory, bytes, &exact, &layer, 1, &sketcher, NULL));
    gradsieve_sieve *sieve;
    OK(gradsieve_sieve_size(&of->settings, &bytes, NULL));
    void *const sieve_memory = memory_of(bytes);
    OK(gradsieve_sieve_init(sieve_memory, bytes, &of->settings, &sieve, NULL));

    uint64_t digest = 0;
    for (uint64_t i = 0; i < LEN; i++) {
        const sample now = faulty(of, i);
        gradsieve_sketch sketch;
        OK(gradsieve_sketcher_segment_f32(sketcher, 0, now.values, width, NULL));
        OK(gradsieve_sketcher_finish(sketcher, &sketch, NULL));
        sketch.group = now.group;
        sketch.loss = now.loss;
        sketch.has_loss = (uint8_t)of->has_losses;
        gradsieve_verdict verdict;
        gradsieve_alarm alarm;
        OK(gradsieve_sieve_judge(sieve, &sketch, &verdict, NULL));
        OK(gradsieve_sieve_observe(sieve, &sketch, &verdict, &alarm, NULL));

        const char *const name = alarm == GRADSIEVE_ALARM_CHANGE ? "change"
                                 : alarm == GRADSIEVE_ALARM_FLOOD ? "flood"
                                                                  : "";
        const uint64_t numbers = (uint64_t)to_bits(verdict.p) << 32 | to_bits(verdict.score);
        const uint64_t words =
            (uint64_t)verdict.flagged << 32 | (uint64_t)verdict.reasons << 8 | (uint8_t)name[0];
        digest = mix(mix(digest ^ numbers) ^ words);
        if (i % BLOCK == BLOCK - 1 || verdict.flagged || alarm != GRADSIEVE_ALARM_NONE) {
            printf("%s,%u,%08x,%08x,%u,", of->name, (unsigned)i, (unsigned)to_bits(verdict.p),
                   (unsigned)to_bits(verdict.score), (unsigned)verdict.flagged);
            print_reasons(verdict.reasons);
            printf(",%s,%08x%08x\n", name, (unsigned)(digest >> 32), (unsigned)digest);
        }
    }
    free(sieve_memory);
    free(sketcher_memory);
}

#define GROUPS(...) \
    static const uint32_t groups[] = {__VA_ARGS__}; \
    of.groups = groups; \
    of.group_count = sizeof groups / sizeof groups[0]

static stream with(const char *name, size_t width) {
    static const uint32_t one[] = {0};
    stream of;
    of.name = name;
    of.settings = gradsieve_sieve_settings_default(width);
    of.has_losses = 1;
    of.groups = one;
    of.group_count = 1;
    return of;
}

static void usual(void) {
    stream of = with("usual", 64);
    GROUPS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    of.settings.groups = 10;
    judge(&of);
}

static void small(void) {
    stream of = with("small", 32);
    GROUPS(0, 1, 2, 3);
    of.settings.groups = 4;
    of.settings.duplicates = 0;
    judge(&of);
}

static void discoveries(void) {
    stream of = with("discoveries", 16);
    of.settings.rate = 0.9f;
    of.settings.rate_of_discoveries = 1;
    judge(&of);
}

static void half_life(void) {
    stream of = with("half-life", 16);
    GROUPS(0, 1);
    of.settings.groups = 2;
    of.settings.rate = 0.05f;
    of.settings.half_life = 100;
    judge(&of);
}

static void growing(void) {
    stream of = with("growing", 32);
    GROUPS(7, 1000000, 3, UINT32_MAX, 12);
    of.settings.groups = 4;
    of.settings.groups_grow = 1;
    of.settings.half_life = 300;
    of.settings.duplicates = 8;
    judge(&of);
}

static void no_losses(void) {
    stream of = with("no losses", 64);
    of.settings.rate = 0.1f;
    of.has_losses = 0;
    judge(&of);
}

static void squared(void) {
    stream of = with("squared", 24);
    GROUPS(2, 0, 1);
    of.settings.groups = 3;
    of.settings.loss_is_squared = 1;
    of.settings.change = 0.2f;
    of.settings.learn_flagged = 1;
    judge(&of);
}

static void no_guards(void) {
    stream of = with("no guards", 3);
    of.settings.rate = 0.2f;
    of.settings.guard_zero = of.settings.guard_short = 0;
    of.settings.duplicates = 0;
    of.settings.half_life = 64;
    of.settings.warm_up = 16;
    judge(&of);
}

int main(void) {
    puts("stream,index,p,score,flagged,reasons,alarm,digest");
    usual();
    small();
    discoveries();
    half_life();
    growing();
    no_losses();
    squared();
    no_guards();
    return 0;
}
