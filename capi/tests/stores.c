/* Writes what tests/golden/stores.csv holds: rows of every codec, their scores, the k
 * largest, and the checksums of both at rest, as Rust made them (src/tests/golden.rs). */
#include "check.h"
#include "codecs.h"

enum { WIDTH = 40, ROWS = 20, K = 3, TARGET = 1000 };

static const char *const NAMES[] = {"f32", "f16", "bf16", "int8", "4-bit", "2-bit", "1-bit"};

static float number(int i, int j) { return (float)((i * 37 + j * 11) % 29) / 8.0f - 1.5f; }

static gradsieve_sketch sketch_of(gradsieve_sketcher *sketcher, int i) {
    float gradient[WIDTH];
    for (int j = 0; j < WIDTH; j++) {
        gradient[j] = number(i, j);
    }
    gradsieve_sketch sketch;
    OK(gradsieve_sketcher_segment_f32(sketcher, 0, gradient, WIDTH, NULL));
    OK(gradsieve_sketcher_finish(sketcher, &sketch, NULL));
    sketch.group = (uint32_t)(i % 3);
    return sketch;
}

static unsigned bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (unsigned)bits;
}

/* The checksum at the end of a state at rest, as the bytes stand there. */
static void print_end(const char *codec, const char *what, const uint8_t *bytes, size_t length) {
    printf("%s,%s,%u,", codec, what, (unsigned)length);
    for (size_t i = length - 4; i < length; i++) {
        printf("%02x", (unsigned)bytes[i]);
    }
    printf("\n");
}

static void judge(uint32_t codec, const char *name, gradsieve_sketcher *sketcher) {
    const gradsieve_store_settings settings = {WIDTH, ROWS, codec};
    size_t bytes;
    gradsieve_store *store, *other;
    gradsieve_target *target;
    gradsieve_top_k *top;
    OK(gradsieve_store_size(&settings, &bytes, NULL));
    CHECK(bytes <= GRADSIEVE_STORE_SIZE(codec, WIDTH, ROWS));
    void *const memory = memory_of(bytes);
    void *const other_memory = memory_of(bytes);
    OK(gradsieve_store_init(memory, bytes, &settings, &store, NULL));
    OK(gradsieve_store_init(other_memory, bytes, &settings, &other, NULL));
    OK(gradsieve_target_size(codec, WIDTH, &bytes, NULL));
    CHECK(bytes <= GRADSIEVE_TARGET_SIZE(codec, WIDTH));
    void *const target_memory = memory_of(bytes);
    OK(gradsieve_target_init(target_memory, bytes, codec, WIDTH, &target, NULL));
    OK(gradsieve_top_k_size(K, &bytes, NULL));
    void *const top_memory = memory_of(bytes);
    OK(gradsieve_top_k_init(top_memory, bytes, K, &top, NULL));

    for (int i = 0; i < ROWS; i++) {
        const gradsieve_sketch sketch = sketch_of(sketcher, i);
        /* Half of them by another store. */
        OK(gradsieve_store_append(i < ROWS / 2 ? store : other, (uint64_t)(TARGET + i), &sketch, NULL));
    }
    OK(gradsieve_store_merge(store, other, NULL));
    size_t rows;
    OK(gradsieve_store_count(store, &rows, NULL));
    CHECK(rows == ROWS);
    const gradsieve_sketch on = sketch_of(sketcher, TARGET);
    OK(gradsieve_target_set(target, &on, NULL));

    float scores[ROWS] = {0}, values[WIDTH] = {0}, scratch[16] = {0};
    OK(gradsieve_store_score(store, target, scores, ROWS, NULL));
    for (int i = 0; i < ROWS; i++) {
        printf("%s,score,%d,%08x\n", name, TARGET + i, bits_of(scores[i]));
    }
    uint64_t id;
    gradsieve_sketch row;
    OK(gradsieve_store_get(store, 7, values, WIDTH, &id, &row, NULL));
    CHECK(id == TARGET + 7 && row.group == 1 && row.values == values && row.width == WIDTH);
    printf("%s,row,%u", name, (unsigned)id);
    for (int j = 0; j < WIDTH; j++) {
        printf(",%08x", bits_of(values[j]));
    }
    printf("\n");

    size_t left_out, count, written;
    OK(gradsieve_store_top(store, target, scratch, 16, top, &left_out, NULL));
    CHECK(left_out == 0);
    gradsieve_entry entries[K] = {{0, 0.0}};
    OK(gradsieve_top_k_sorted(top, entries, K, &count, NULL));
    CHECK(count == K);
    for (size_t i = 0; i < count; i++) {
        printf("%s,top,%u,%08x\n", name, (unsigned)entries[i].id, bits_of((float)entries[i].score));
    }
    const size_t most = GRADSIEVE_STORE_AT_REST(codec, WIDTH, ROWS);
    uint8_t *const at_rest = (uint8_t *)memory_of(most);
    OK(gradsieve_store_to_bytes(store, at_rest, most, &written, NULL));
    print_end(name, "store", at_rest, written);
    OK(gradsieve_store_reset(store, NULL));
    OK(gradsieve_store_restore(store, at_rest, written, NULL));
    OK(gradsieve_store_count(store, &rows, NULL));
    CHECK(rows == ROWS);
    OK(gradsieve_top_k_to_bytes(top, at_rest, most, &written, NULL));
    CHECK(written <= GRADSIEVE_TOP_K_AT_REST(K));
    print_end(name, "top-k", at_rest, written);
    free(at_rest);
    free(top_memory);
    free(target_memory);
    free(other_memory);
    free(memory);
}

int main(void) {
    const gradsieve_layer layer = {0, WIDTH, 1};
    gradsieve_sketcher_settings exact = gradsieve_sketcher_settings_default(WIDTH);
    exact.projection = GRADSIEVE_PROJECTION_EXACT;
    static GRADSIEVE_MEMORY(memory, GRADSIEVE_SKETCHER_SIZE(WIDTH));
    gradsieve_sketcher *sketcher;
    OK(gradsieve_sketcher_init(memory, sizeof memory, &exact, &layer, 1, &sketcher, NULL));
    for (size_t at = 0; at < CODEC_COUNT; at++) {
        judge(CODECS[at], NAMES[at], sketcher);
    }
    return 0;
}
