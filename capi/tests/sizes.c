/* The sizes that macros give at compile time are those of the functions, or a few bytes
 * more, over many settings. */
#include "check.h"
#include "codecs.h"

/* What a macro may give too much: what rounding and unused parts of settings come to. */
enum { SLACK = 8 };

static void holds(const char *what, size_t needed, size_t given) {
    if (given < needed || given > needed + SLACK) {
        fprintf(stderr, "%s: %lu bytes are needed, the macro gives %lu\n", what, (unsigned long)needed,
                (unsigned long)given);
        exit(1);
    }
}

static void sketchers(void) {
    gradsieve_layer layers[3] = {{0, 64, 48}, {3072, 64, 1}, {3136, 7, 3}};
    for (uint32_t projection = 0; projection <= GRADSIEVE_PROJECTION_MASK; projection++) {
        for (size_t width = 32; width <= 512; width += 32) {
            gradsieve_sketcher_settings settings = gradsieve_sketcher_settings_default(width);
            settings.projection = projection;
            size_t bytes;
            OK(gradsieve_sketcher_size(&settings, layers, 3, &bytes, NULL));
            const int exact = projection == GRADSIEVE_PROJECTION_EXACT;
            holds("a sketcher", bytes, GRADSIEVE_SKETCHER_SIZE(exact ? 3136 + 21 : width));
        }
    }
    const uint32_t layered[] = {GRADSIEVE_PROJECTION_LOGRA, GRADSIEVE_PROJECTION_FACTGRASS,
                                GRADSIEVE_PROJECTION_LAYERS, GRADSIEVE_PROJECTION_KRONECKER};
    for (size_t i = 0; i < sizeof layered / sizeof layered[0]; i++) {
        for (size_t count = 1; count <= 3; count++) {
            gradsieve_sketcher_settings settings = gradsieve_sketcher_settings_default(1024);
            settings.projection = layered[i];
            size_t bytes;
            OK(gradsieve_sketcher_size(&settings, layers, count, &bytes, NULL));
            holds("a sketcher by layers", bytes, GRADSIEVE_SKETCHER_LAYERS_SIZE(1024, count));
        }
    }
}

static void sieves(void) {
    for (size_t width = 1; width <= 129; width += 16) {
        for (uint32_t groups = 1; groups <= 31; groups += 10) {
            for (uint32_t duplicates = 0; duplicates <= 64; duplicates += 32) {
                for (uint8_t grow = 0; grow <= 1; grow++) {
                    gradsieve_sieve_settings settings = gradsieve_sieve_settings_default(width);
                    settings.groups = groups;
                    settings.duplicates = duplicates;
                    settings.groups_grow = grow;
                    size_t bytes;
                    OK(gradsieve_sieve_size(&settings, &bytes, NULL));
                    const size_t given = grow ? GRADSIEVE_SIEVE_GROWING_SIZE(width, groups, duplicates)
                                              : GRADSIEVE_SIEVE_SIZE(width, groups, duplicates);
                    holds("a sieve", bytes, given);
                    gradsieve_sieve *sieve;
                    void *const memory = memory_of(given);
                    OK(gradsieve_sieve_init(memory, given, &settings, &sieve, NULL));
                    OK(gradsieve_sieve_at_rest(sieve, &bytes, NULL));
                    CHECK(bytes <= GRADSIEVE_SIEVE_AT_REST(width, groups, duplicates));
                    free(memory);
                }
            }
        }
    }
}

static void kroneckers(void) {
    for (size_t width = 1; width <= 99; width++) {
        for (size_t count = 1; count <= 64; count += 7) {
            size_t bytes;
            OK(gradsieve_kronecker_size(width, count, &bytes, NULL));
            holds("a Kronecker sketcher", bytes, GRADSIEVE_KRONECKER_SIZE(width, count));
        }
    }
    /* What the macro gives is enough for the sketcher itself. */
    const gradsieve_layer layers[2] = {{0, 16, 25}, {400, 5, 17}};
    const gradsieve_key key = {7, {0}, 0};
    for (size_t width = 2; width <= 600; width += 13) {
        const size_t given = GRADSIEVE_KRONECKER_SIZE(width, 2);
        void *const memory = memory_of(given);
        gradsieve_kronecker *kronecker;
        OK(gradsieve_kronecker_init(memory, given, &key, width, layers, 2, &kronecker, NULL));
        free(memory);
    }
}

static void stores(void) {
    for (size_t at = 0; at < CODEC_COUNT; at++) {
        const uint32_t codec = CODECS[at];
        for (size_t width = 1; width <= 200; width += 3) {
            size_t bytes;
            for (size_t rows = 1; rows <= 40; rows += 13) {
                const gradsieve_store_settings settings = {width, rows, codec};
                OK(gradsieve_store_size(&settings, &bytes, NULL));
                holds("a store", bytes, GRADSIEVE_STORE_SIZE(codec, width, rows));
            }
            OK(gradsieve_target_size(codec, width, &bytes, NULL));
            holds("a target", bytes, GRADSIEVE_TARGET_SIZE(codec, width));
            const gradsieve_packet_settings settings = {codec, 1, 1};
            OK(gradsieve_packet_most(&settings, width, &bytes, NULL));
            CHECK(bytes == GRADSIEVE_PACKET_MOST(codec, width));
        }
    }
    for (size_t k = 0; k <= 20; k++) {
        size_t bytes;
        OK(gradsieve_top_k_size(k, &bytes, NULL));
        holds("the k largest", bytes, GRADSIEVE_TOP_K_SIZE(k));
    }
}

static void detectors_and_values(void) {
    for (size_t width = 1; width <= 129; width += 16) {
        for (uint32_t groups = 1; groups <= 31; groups += 10) {
            const gradsieve_direction_settings settings = gradsieve_direction_settings_default(groups, width);
            size_t bytes;
            OK(gradsieve_direction_size(&settings, &bytes, NULL));
            holds("a direction detector", bytes, GRADSIEVE_DIRECTION_SIZE(width, groups));
        }
        size_t bytes;
        OK(gradsieve_shapley_size(width, &bytes, NULL));
        holds("Shapley values", bytes, GRADSIEVE_SHAPLEY_SIZE(width));
    }
}

int main(void) {
    static GRADSIEVE_MEMORY(memory, GRADSIEVE_SIEVE_SIZE(32, 2, 64));
    gradsieve_sieve_settings settings = gradsieve_sieve_settings_default(32);
    gradsieve_sieve *sieve;
    settings.groups = 2;
    OK(gradsieve_sieve_init(memory, sizeof memory, &settings, &sieve, NULL));
    sketchers();
    kroneckers();
    sieves();
    stores();
    detectors_and_values();
    return 0;
}
