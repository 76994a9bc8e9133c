/* Writes what tests/golden/kronecker.csv holds: sketches of the cheap path, number by
 * number, which Rust made (src/tests/golden.rs). */
#include "check.h"

enum { WIDTH = 32, SAMPLES = 20, INPUTS = 24, HIDDEN = 16, OUTPUTS = 5 };

/* A network of two layers, each with its bias as one more input. */
static const gradsieve_layer LAYERS[2] = {{0, HIDDEN, INPUTS + 1}, {HIDDEN * (INPUTS + 1), OUTPUTS, HIDDEN + 1}};

static GRADSIEVE_MEMORY(memory, GRADSIEVE_KRONECKER_SIZE(WIDTH, 2));
static GRADSIEVE_MEMORY(any_memory, GRADSIEVE_SKETCHER_LAYERS_SIZE(WIDTH, 2));

static float number(int i, int j) { return (float)((i * 37 + j * 11) % 29) / 8.0f - 1.5f; }

static void fill(float *to, int length, int i, int j) {
    for (int at = 0; at < length; at++) {
        to[at] = number(i, j + at);
    }
}

/* The upper half of a float, which is a bfloat16 of these numbers. */
static void halve(uint16_t *to, const float *from, size_t length) {
    for (size_t at = 0; at < length; at++) {
        uint32_t bits;
        memcpy(&bits, &from[at], sizeof bits);
        to[at] = (uint16_t)(bits >> 16);
    }
}

static void print(const char *what, int i, const gradsieve_sketch *sketch) {
    printf("%s,%d", what, i);
    for (size_t j = 0; j < sketch->width; j++) {
        uint32_t bits;
        memcpy(&bits, &sketch->values[j], sizeof bits);
        printf(",%08x", (unsigned)bits);
    }
    uint64_t norm;
    memcpy(&norm, &sketch->measures.l2_squared, sizeof norm);
    printf(",%08x%08x\n", (unsigned)(norm >> 32), (unsigned)norm);
}

int main(void) {
    const gradsieve_key key = {7, {0}, 0};
    gradsieve_kronecker *kronecker;
    gradsieve_sketcher *any;
    gradsieve_sketcher_settings settings = gradsieve_sketcher_settings_default(WIDTH);
    settings.projection = GRADSIEVE_PROJECTION_KRONECKER;
    settings.key = key;
    OK(gradsieve_kronecker_init(memory, sizeof memory, &key, WIDTH, LAYERS, 2, &kronecker, NULL));
    OK(gradsieve_sketcher_init(any_memory, sizeof any_memory, &settings, LAYERS, 2, &any, NULL));
    size_t width, any_width;
    gradsieve_sketch_id id, any_id;
    OK(gradsieve_kronecker_id(kronecker, &width, &id, NULL));
    OK(gradsieve_sketcher_id(any, &any_width, &any_id, NULL));
    CHECK(width == 26 && any_width == 26);
    CHECK(id.projection == GRADSIEVE_PROJECTION_KRONECKER && any_id.projection == GRADSIEVE_PROJECTION_LAYERS);

    for (int i = 0; i < SAMPLES; i++) {
        float input[INPUTS], hidden[HIDDEN], hidden_delta[HIDDEN], delta[OUTPUTS];
        uint16_t short_hidden[HIDDEN], short_delta[OUTPUTS];
        fill(input, INPUTS, i, 0);
        fill(hidden, HIDDEN, i, 40);
        fill(hidden_delta, HIDDEN, i, 70);
        fill(delta, OUTPUTS, i, 100);
        halve(short_hidden, hidden, HIDDEN);
        halve(short_delta, delta, OUTPUTS);
        gradsieve_sketch sketch, again;
        OK(gradsieve_kronecker_outer_biased_f32(kronecker, &LAYERS[1], hidden, HIDDEN, delta, OUTPUTS, NULL));
        OK(gradsieve_kronecker_outer_biased_f32(kronecker, &LAYERS[0], input, INPUTS, hidden_delta, HIDDEN, NULL));
        OK(gradsieve_kronecker_finish(kronecker, &sketch, NULL));
        print("kronecker", i, &sketch);

        /* By a sketcher of any projection, and of bfloat16, the same numbers. */
        OK(gradsieve_sketcher_outer_biased_f32(any, &LAYERS[0], input, INPUTS, hidden_delta, HIDDEN, NULL));
        OK(gradsieve_sketcher_outer_biased_bf16(any, &LAYERS[1], short_hidden, HIDDEN, short_delta, OUTPUTS, NULL));
        OK(gradsieve_sketcher_finish(any, &again, NULL));
        CHECK(memcmp(sketch.values, again.values, width * sizeof(float)) == 0);

        /* The last input, which is the bias, may be written out. */
        float whole[INPUTS + 1];
        memcpy(whole, input, sizeof input);
        whole[INPUTS] = 1.0f;
        OK(gradsieve_kronecker_outer_f32(kronecker, &LAYERS[0], whole, INPUTS + 1, hidden_delta, HIDDEN, NULL));
        OK(gradsieve_kronecker_outer_biased_bf16(kronecker, &LAYERS[1], short_hidden, HIDDEN, short_delta, OUTPUTS, NULL));
        OK(gradsieve_kronecker_finish(kronecker, &sketch, NULL));
        CHECK(memcmp(sketch.values, again.values, width * sizeof(float)) == 0);
    }
    return 0;
}
