/* Writes what tests/golden/detectors.csv holds: scores of the detectors that are fitted,
 * and the checksums of their states at rest, as Rust made them (src/tests/golden.rs). */
#include "check.h"

enum { WIDTH = 12, SAMPLES = 60 };

static gradsieve_sketcher *sketcher;

static gradsieve_sketch sketch_of(int i) {
    float gradient[WIDTH];
    for (int j = 0; j < WIDTH; j++) {
        gradient[j] = (float)((i * 37 + j * 11 + i * j * 5) % 29) / 8.0f - 1.5f;
    }
    gradsieve_sketch sketch;
    OK(gradsieve_sketcher_segment_f32(sketcher, 0, gradient, WIDTH, NULL));
    OK(gradsieve_sketcher_finish(sketcher, &sketch, NULL));
    return sketch;
}

static void print(const char *detector, int i, double score) {
    uint64_t bits;
    memcpy(&bits, &score, sizeof bits);
    printf("%s,%d,%08x%08x\n", detector, i, (unsigned)(bits >> 32), (unsigned)bits);
}

/* The checksum at the end of a state at rest, as the bytes stand there. */
static void print_end(const char *detector, const uint8_t *bytes, size_t length) {
    printf("%s,%u,", detector, (unsigned)length);
    for (size_t i = length - 4; i < length; i++) {
        printf("%02x", (unsigned)bytes[i]);
    }
    printf("\n");
}

static void mahalanobis(void) {
    const gradsieve_mahalanobis_settings settings = gradsieve_mahalanobis_settings_default(WIDTH);
    gradsieve_mahalanobis_settings read;
    gradsieve_mahalanobis *detector, *other;
    float scratch[WIDTH] = {0};
    size_t bytes, written;
    double score;
    uint64_t count;
    OK(gradsieve_mahalanobis_size(&settings, &bytes, NULL));
    CHECK(bytes <= GRADSIEVE_MAHALANOBIS_SIZE(WIDTH) && GRADSIEVE_MAHALANOBIS_SIZE(WIDTH) <= bytes + 8 * WIDTH);
    void *const memory = memory_of(bytes);
    void *const other_memory = memory_of(bytes);
    OK(gradsieve_mahalanobis_init(memory, bytes, &settings, &detector, NULL));
    OK(gradsieve_mahalanobis_init(other_memory, bytes, &settings, &other, NULL));
    RETURNS(GRADSIEVE_STATUS_TOO_FEW, gradsieve_mahalanobis_fit(detector, NULL));
    for (int i = 0; i < SAMPLES; i++) {
        const gradsieve_sketch sketch = sketch_of(i);
        OK(gradsieve_mahalanobis_observe(i < SAMPLES / 2 ? detector : other, &sketch, NULL));
    }
    OK(gradsieve_mahalanobis_merge(detector, other, NULL));
    OK(gradsieve_mahalanobis_count(detector, &count, NULL));
    CHECK(count == SAMPLES);
    gradsieve_sketch sketch = sketch_of(0);
    RETURNS(GRADSIEVE_STATUS_NOT_FITTED, gradsieve_mahalanobis_score(detector, &sketch, scratch, WIDTH, &score, NULL));
    OK(gradsieve_mahalanobis_fit(detector, NULL));
    for (int i = 0; i < 10; i++) {
        sketch = sketch_of(i);
        OK(gradsieve_mahalanobis_score(detector, &sketch, scratch, WIDTH, &score, NULL));
        print("mahalanobis", i, score);
    }
    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_mahalanobis_score(detector, &sketch, scratch, WIDTH - 1, &score, NULL));
    RETURNS(GRADSIEVE_STATUS_NULL_POINTER, gradsieve_mahalanobis_score(detector, &sketch, NULL, WIDTH, &score, NULL));
    RETURNS(GRADSIEVE_STATUS_OVERLAP,
            gradsieve_mahalanobis_score(detector, &sketch, (float *)memory, WIDTH, &score, NULL));
    RETURNS(GRADSIEVE_STATUS_OVERLAP, gradsieve_mahalanobis_merge(detector, detector, NULL));
    RETURNS(GRADSIEVE_STATUS_NULL_POINTER, gradsieve_mahalanobis_observe(detector, NULL, NULL));
    RETURNS(GRADSIEVE_STATUS_MEMORY, gradsieve_mahalanobis_init(other_memory, bytes - 1, &settings, &other, NULL));
    gradsieve_mahalanobis_settings odd = settings;
    odd.shrinkage = -1.0f;
    RETURNS(GRADSIEVE_STATUS_SETTING, gradsieve_mahalanobis_init(other_memory, bytes, &odd, &other, NULL));
    void *volatile address = sketcher;
    RETURNS(GRADSIEVE_STATUS_OTHER_KIND, gradsieve_mahalanobis_fit((gradsieve_mahalanobis *)address, NULL));

    uint8_t *const at_rest = (uint8_t *)memory_of(GRADSIEVE_MAHALANOBIS_AT_REST(WIDTH));
    OK(gradsieve_mahalanobis_to_bytes(detector, at_rest, GRADSIEVE_MAHALANOBIS_AT_REST(WIDTH), &written, NULL));
    print_end("mahalanobis", at_rest, written);
    OK(gradsieve_mahalanobis_read_settings(at_rest, written, &read, NULL));
    CHECK(read.width == WIDTH && read.shrinkage == settings.shrinkage && read.clip == settings.clip);
    OK(gradsieve_mahalanobis_reset(detector, NULL));
    OK(gradsieve_mahalanobis_restore(detector, at_rest, written, NULL));
    double again;
    OK(gradsieve_mahalanobis_score(detector, &sketch, scratch, WIDTH, &again, NULL));
    CHECK(again == score);
    free(at_rest);
    free(other_memory);
    free(memory);
}

static void self_influence(void) {
    const gradsieve_self_influence_settings settings = gradsieve_self_influence_settings_default(WIDTH);
    gradsieve_self_influence_settings read;
    gradsieve_self_influence *detector, *other;
    float scratch[WIDTH] = {0};
    size_t bytes, written;
    double score;
    uint64_t count;
    OK(gradsieve_self_influence_size(&settings, &bytes, NULL));
    CHECK(bytes <= GRADSIEVE_SELF_INFLUENCE_SIZE(WIDTH) && GRADSIEVE_SELF_INFLUENCE_SIZE(WIDTH) <= bytes + 8 * WIDTH);
    void *const memory = memory_of(bytes);
    void *const other_memory = memory_of(bytes);
    OK(gradsieve_self_influence_init(memory, bytes, &settings, &detector, NULL));
    OK(gradsieve_self_influence_init(other_memory, bytes, &settings, &other, NULL));
    RETURNS(GRADSIEVE_STATUS_TOO_FEW, gradsieve_self_influence_fit(detector, NULL));
    for (int i = 0; i < SAMPLES; i++) {
        const gradsieve_sketch sketch = sketch_of(i);
        OK(gradsieve_self_influence_observe(i < SAMPLES / 2 ? detector : other, &sketch, NULL));
    }
    OK(gradsieve_self_influence_merge(detector, other, NULL));
    OK(gradsieve_self_influence_count(detector, &count, NULL));
    CHECK(count == SAMPLES);
    gradsieve_sketch sketch = sketch_of(0);
    RETURNS(GRADSIEVE_STATUS_NOT_FITTED, gradsieve_self_influence_score(detector, &sketch, scratch, WIDTH, &score, NULL));
    OK(gradsieve_self_influence_fit(detector, NULL));
    for (int i = 0; i < 10; i++) {
        sketch = sketch_of(i);
        OK(gradsieve_self_influence_score(detector, &sketch, scratch, WIDTH, &score, NULL));
        print("self_influence", i, score);
    }
    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_self_influence_score(detector, &sketch, scratch, WIDTH - 1, &score, NULL));
    RETURNS(GRADSIEVE_STATUS_NULL_POINTER, gradsieve_self_influence_score(detector, &sketch, NULL, WIDTH, &score, NULL));
    RETURNS(GRADSIEVE_STATUS_OVERLAP,
            gradsieve_self_influence_score(detector, &sketch, (float *)memory, WIDTH, &score, NULL));
    RETURNS(GRADSIEVE_STATUS_OVERLAP, gradsieve_self_influence_merge(detector, detector, NULL));
    RETURNS(GRADSIEVE_STATUS_NULL_POINTER, gradsieve_self_influence_observe(detector, NULL, NULL));
    RETURNS(GRADSIEVE_STATUS_MEMORY, gradsieve_self_influence_init(other_memory, bytes - 1, &settings, &other, NULL));
    gradsieve_self_influence_settings odd = settings;
    odd.damping = -1.0f;
    RETURNS(GRADSIEVE_STATUS_SETTING, gradsieve_self_influence_init(other_memory, bytes, &odd, &other, NULL));
    void *volatile address = sketcher;
    RETURNS(GRADSIEVE_STATUS_OTHER_KIND, gradsieve_self_influence_fit((gradsieve_self_influence *)address, NULL));

    uint8_t *const at_rest = (uint8_t *)memory_of(GRADSIEVE_SELF_INFLUENCE_AT_REST(WIDTH));
    OK(gradsieve_self_influence_to_bytes(detector, at_rest, GRADSIEVE_SELF_INFLUENCE_AT_REST(WIDTH), &written, NULL));
    print_end("self_influence", at_rest, written);
    OK(gradsieve_self_influence_read_settings(at_rest, written, &read, NULL));
    CHECK(read.width == WIDTH && read.damping == settings.damping && read.clip == settings.clip);
    OK(gradsieve_self_influence_reset(detector, NULL));
    OK(gradsieve_self_influence_restore(detector, at_rest, written, NULL));
    double again;
    OK(gradsieve_self_influence_score(detector, &sketch, scratch, WIDTH, &again, NULL));
    CHECK(again == score);
    free(at_rest);
    free(other_memory);
    free(memory);
}

int main(void) {
    const gradsieve_layer layer = {0, WIDTH, 1};
    gradsieve_sketcher_settings exact = gradsieve_sketcher_settings_default(WIDTH);
    exact.projection = GRADSIEVE_PROJECTION_EXACT;
    static GRADSIEVE_MEMORY(memory, GRADSIEVE_SKETCHER_SIZE(WIDTH));
    OK(gradsieve_sketcher_init(memory, sizeof memory, &exact, &layer, 1, &sketcher, NULL));
    mahalanobis();
    self_influence();
    return 0;
}
