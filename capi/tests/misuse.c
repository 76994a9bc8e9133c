/* Misuse is a status, and leaves states as they were. */
#include "check.h"

enum { WIDTH = 32 };

static const gradsieve_layer LAYERS[2] = {{0, 10, 64}, {640, 10, 1}};

static GRADSIEVE_MEMORY(sketcher_memory, GRADSIEVE_SKETCHER_SIZE(WIDTH));
static GRADSIEVE_MEMORY(sieve_memory, GRADSIEVE_SIEVE_SIZE(WIDTH, 1, 64));
static GRADSIEVE_MEMORY(other_memory, GRADSIEVE_SIEVE_SIZE(WIDTH, 1, 64));
static float ones[640];

static gradsieve_sketcher *new_sketcher(void) {
    const gradsieve_sketcher_settings settings = gradsieve_sketcher_settings_default(WIDTH);
    gradsieve_sketcher *sketcher;
    OK(gradsieve_sketcher_init(sketcher_memory, sizeof sketcher_memory, &settings, LAYERS, 2, &sketcher, NULL));
    return sketcher;
}

static gradsieve_sieve *new_sieve(void *memory) {
    const gradsieve_sieve_settings settings = gradsieve_sieve_settings_default(WIDTH);
    gradsieve_sieve *sieve;
    OK(gradsieve_sieve_init(memory, sizeof sieve_memory, &settings, &sieve, NULL));
    return sieve;
}

static gradsieve_sketch new_sketch(gradsieve_sketcher *sketcher) {
    gradsieve_sketch sketch;
    OK(gradsieve_sketcher_outer_f32(sketcher, &LAYERS[0], ones, 64, ones, 10, NULL));
    OK(gradsieve_sketcher_segment_f32(sketcher, 640, ones, 10, NULL));
    OK(gradsieve_sketcher_finish(sketcher, &sketch, NULL));
    return sketch;
}

static void null_is_a_status(void) {
    gradsieve_sketcher *const sketcher = new_sketcher();
    gradsieve_sieve *const sieve = new_sieve(sieve_memory);
    gradsieve_sketch sketch = new_sketch(sketcher);
    const gradsieve_sieve_settings settings = gradsieve_sieve_settings_default(WIDTH);
    gradsieve_sieve *none;
    gradsieve_verdict verdict;
    size_t bytes;
    uint8_t byte;
    const gradsieve_status null = GRADSIEVE_STATUS_NULL_POINTER;
    RETURNS(null, gradsieve_sieve_size(NULL, &bytes, NULL));
    RETURNS(null, gradsieve_sieve_size(&settings, NULL, NULL));
    RETURNS(null, gradsieve_sieve_init(NULL, 100000, &settings, &none, NULL));
    RETURNS(null, gradsieve_sieve_init(other_memory, sizeof other_memory, NULL, &none, NULL));
    RETURNS(null, gradsieve_sieve_init(other_memory, sizeof other_memory, &settings, NULL, NULL));
    RETURNS(null, gradsieve_sieve_judge(NULL, &sketch, &verdict, NULL));
    RETURNS(null, gradsieve_sieve_judge(sieve, NULL, &verdict, NULL));
    RETURNS(null, gradsieve_sieve_judge(sieve, &sketch, NULL, NULL));
    RETURNS(null, gradsieve_sieve_observe(sieve, &sketch, NULL, NULL, NULL));
    RETURNS(null, gradsieve_sieve_to_bytes(sieve, NULL, 1, &bytes, NULL));
    RETURNS(null, gradsieve_sieve_to_bytes(sieve, &byte, 1, NULL, NULL));
    RETURNS(null, gradsieve_sieve_restore(sieve, NULL, 1, NULL));
    RETURNS(null, gradsieve_sketcher_segment_f32(NULL, 0, ones, 1, NULL));
    RETURNS(null, gradsieve_sketcher_segment_f32(sketcher, 0, NULL, 1, NULL));
    RETURNS(null, gradsieve_sketcher_outer_f32(sketcher, NULL, ones, 64, ones, 10, NULL));
    RETURNS(null, gradsieve_sketcher_finish(sketcher, NULL, NULL));
    OK(gradsieve_sketcher_segment_f32(sketcher, 0, NULL, 0, NULL));
    sketch.values = NULL;
    RETURNS(null, gradsieve_sieve_judge(sieve, &sketch, &verdict, NULL));
}

static void misaligned_memory_is_a_status(void) {
    gradsieve_sketcher *const sketcher = new_sketcher();
    gradsieve_sieve *const sieve = new_sieve(sieve_memory);
    const gradsieve_sketch sketch = new_sketch(sketcher);
    const gradsieve_sieve_settings settings = gradsieve_sieve_settings_default(WIDTH);
    gradsieve_sieve *none;
    gradsieve_verdict verdict;
    char *const odd = (char *)other_memory + 2;
    const gradsieve_status misaligned = GRADSIEVE_STATUS_MISALIGNED;
    RETURNS(misaligned, gradsieve_sieve_init(odd, sizeof other_memory - 2, &settings, &none, NULL));
    void *volatile address = odd;
    RETURNS(misaligned, gradsieve_sieve_judge((const gradsieve_sieve *)address, &sketch, &verdict, NULL));
    RETURNS(misaligned, gradsieve_sieve_judge(sieve, (const gradsieve_sketch *)address, &verdict, NULL));
    RETURNS(misaligned, gradsieve_sketcher_segment_f32(sketcher, 0, (const float *)address, 1, NULL));
    /* An error in such a place is not written, and nothing else goes wrong. */
    RETURNS(GRADSIEVE_STATUS_NULL_POINTER,
            gradsieve_sieve_judge(NULL, &sketch, &verdict, (gradsieve_error *)address));
}

static void memory_that_is_no_such_state_is_a_status(void) {
    gradsieve_sketcher *const sketcher = new_sketcher();
    gradsieve_sieve *const sieve = new_sieve(sieve_memory);
    const gradsieve_sketch sketch = new_sketch(sketcher);
    gradsieve_verdict verdict;
    void *volatile address = sketcher;
    RETURNS(GRADSIEVE_STATUS_OTHER_KIND,
            gradsieve_sieve_judge((const gradsieve_sieve *)address, &sketch, &verdict, NULL));
    address = sieve;
    RETURNS(GRADSIEVE_STATUS_OTHER_KIND, gradsieve_sketcher_abandon((gradsieve_sketcher *)address, NULL));
    for (int fill = 0; fill < 256; fill++) {
        memset(other_memory, fill, sizeof other_memory);
        address = other_memory;
        RETURNS(GRADSIEVE_STATUS_NO_STATE,
                gradsieve_sieve_judge((const gradsieve_sieve *)address, &sketch, &verdict, NULL));
    }
    memcpy(other_memory, sieve_memory, sizeof other_memory);
    RETURNS(GRADSIEVE_STATUS_MOVED,
            gradsieve_sieve_judge((const gradsieve_sieve *)address, &sketch, &verdict, NULL));
    /* A state whose memory was given to one that could not be made is none any more. */
    gradsieve_sieve_settings settings = gradsieve_sieve_settings_default(WIDTH);
    settings.warm_up = 1;
    gradsieve_sieve *none;
    RETURNS(GRADSIEVE_STATUS_SETTING,
            gradsieve_sieve_init(sieve_memory, sizeof sieve_memory, &settings, &none, NULL));
    RETURNS(GRADSIEVE_STATUS_NO_STATE, gradsieve_sieve_judge(sieve, &sketch, &verdict, NULL));
}

static void sizes_that_do_not_fit_are_told(void) {
    gradsieve_sketcher *const sketcher = new_sketcher();
    gradsieve_sieve *const sieve = new_sieve(sieve_memory);
    gradsieve_sketch sketch = new_sketch(sketcher);
    const gradsieve_sieve_settings settings = gradsieve_sieve_settings_default(WIDTH);
    gradsieve_sieve *none;
    gradsieve_verdict verdict;
    gradsieve_error error;
    size_t needed;
    OK(gradsieve_sieve_size(&settings, &needed, NULL));
    RETURNS(GRADSIEVE_STATUS_MEMORY, gradsieve_sieve_init(other_memory, needed - 1, &settings, &none, &error));
    CHECK(error.status == GRADSIEVE_STATUS_MEMORY && error.expected == needed && error.found == needed - 1);
    CHECK(error.name_length == 0 && error.name != NULL);

    gradsieve_sieve_settings huge = settings;
    huge.width = SIZE_MAX / 2;
    RETURNS(GRADSIEVE_STATUS_MEMORY, gradsieve_sieve_init(other_memory, SIZE_MAX, &huge, &none, NULL));

    sketch.width = WIDTH - 1;
    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_sieve_judge(sieve, &sketch, &verdict, &error));
    CHECK(error.expected == WIDTH && error.found == WIDTH - 1);
    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_sketcher_outer_f32(sketcher, &LAYERS[0], ones, 63, ones, 10, &error));
    CHECK(error.expected == 64 && error.found == 63);
    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_sketcher_segment_f32(sketcher, 0, ones, SIZE_MAX / 2, NULL));
    RETURNS(GRADSIEVE_STATUS_OUTSIDE_LAYOUT, gradsieve_sketcher_segment_f32(sketcher, 641, ones, 10, &error));
    CHECK(error.expected == 650 && error.found == 651);
    OK(gradsieve_sketcher_segment_f32(sketcher, 640, ones, 10, NULL));
    RETURNS(GRADSIEVE_STATUS_INCOMPLETE, gradsieve_sketcher_finish(sketcher, &sketch, &error));
    CHECK(error.expected == 650 && error.found == 10);
    for (int again = 0; again < 64; again++) {
        OK(gradsieve_sketcher_segment_f32(sketcher, 640, ones, 10, NULL));
    }
    RETURNS(GRADSIEVE_STATUS_TWICE, gradsieve_sketcher_finish(sketcher, &sketch, &error));
    uint8_t few[16];
    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_sieve_to_bytes(sieve, few, sizeof few, &needed, &error));
    CHECK(error.found == sizeof few && error.expected > error.found);
}

static void settings_out_of_range_are_named(void) {
    gradsieve_sketcher_settings settings = gradsieve_sketcher_settings_default(WIDTH);
    gradsieve_sieve_settings of_sieve = gradsieve_sieve_settings_default(WIDTH);
    gradsieve_sketcher *none;
    gradsieve_sieve *no_sieve;
    gradsieve_error error;
    size_t bytes;
    settings.projection = 77;
    RETURNS(GRADSIEVE_STATUS_SETTING, gradsieve_sketcher_size(&settings, LAYERS, 2, &bytes, &error));
    CHECK(error.name_length == 10 && memcmp(error.name, "projection", 10) == 0 && error.wanted_length > 0);
    settings = gradsieve_sketcher_settings_default(WIDTH + 1);
    RETURNS(GRADSIEVE_STATUS_WIDTH, gradsieve_sketcher_init(sketcher_memory, sizeof sketcher_memory + 8, &settings,
                                                            LAYERS, 2, &none, &error));
    CHECK(error.expected == 32 && error.found == 33);
    const gradsieve_layer overlapping[2] = {{0, 10, 64}, {639, 10, 1}};
    settings.width = WIDTH;
    RETURNS(GRADSIEVE_STATUS_LAYER, gradsieve_sketcher_size(&settings, overlapping, 2, &bytes, &error));
    CHECK(error.found == 1);
    RETURNS(GRADSIEVE_STATUS_LAYER, gradsieve_sketcher_size(&settings, NULL, 0, &bytes, NULL));
    of_sieve.warm_up = 3;
    RETURNS(GRADSIEVE_STATUS_SETTING,
            gradsieve_sieve_init(sieve_memory, sizeof sieve_memory, &of_sieve, &no_sieve, &error));
    CHECK(error.name_length == 7 && memcmp(error.name, "warm_up", 7) == 0);
}

static void a_state_is_not_merged_with_itself_or_written_over_itself(void) {
    gradsieve_sieve *const sieve = new_sieve(sieve_memory);
    size_t written;
    RETURNS(GRADSIEVE_STATUS_OVERLAP, gradsieve_sieve_merge(sieve, sieve, NULL));
    uint8_t *const inside = (uint8_t *)sieve_memory + 64;
    RETURNS(GRADSIEVE_STATUS_OVERLAP, gradsieve_sieve_to_bytes(sieve, inside, 64, &written, NULL));
    RETURNS(GRADSIEVE_STATUS_OVERLAP, gradsieve_sieve_restore(sieve, inside, 64, NULL));
    OK(gradsieve_sieve_merge(sieve, new_sieve(other_memory), NULL));
}

static void foreign_verdicts_and_bytes_are_refused(void) {
    gradsieve_sketcher *const sketcher = new_sketcher();
    gradsieve_sieve *const sieve = new_sieve(sieve_memory);
    const gradsieve_sketch sketch = new_sketch(sketcher);
    gradsieve_verdict verdict;
    gradsieve_sieve_counts counts;
    for (int fill = 0; fill < 256; fill++) {
        memset(&verdict, fill, sizeof verdict);
        RETURNS(GRADSIEVE_STATUS_CORRUPT, gradsieve_sieve_observe(sieve, &sketch, &verdict, NULL, NULL));
    }
    OK(gradsieve_sieve_judge(sieve, &sketch, &verdict, NULL));
    verdict.words[5] ^= 1;
    RETURNS(GRADSIEVE_STATUS_CORRUPT, gradsieve_sieve_observe(sieve, &sketch, &verdict, NULL, NULL));
    OK(gradsieve_sieve_count(sieve, &counts, NULL));
    CHECK(counts.seen == 0);

    const size_t length = GRADSIEVE_SIEVE_AT_REST(WIDTH, 1, 64);
    uint8_t *const bytes = (uint8_t *)memory_of(length);
    size_t written;
    OK(gradsieve_sieve_to_bytes(sieve, bytes, length, &written, NULL));
    bytes[written / 2] ^= 1;
    RETURNS(GRADSIEVE_STATUS_CORRUPT, gradsieve_sieve_restore(sieve, bytes, written, NULL));
    bytes[written / 2] ^= 1;
    RETURNS(GRADSIEVE_STATUS_TRUNCATED, gradsieve_sieve_restore(sieve, bytes, written - 1, NULL));
    RETURNS(GRADSIEVE_STATUS_MAGIC, gradsieve_sieve_restore(sieve, bytes + 1, written - 1, NULL));
    OK(gradsieve_sieve_restore(sieve, bytes, written, NULL));
    gradsieve_sieve_settings settings;
    OK(gradsieve_sieve_read_settings(bytes, written, &settings, NULL));
    CHECK(settings.width == WIDTH && settings.duplicates == 64 && settings.guard_short == 1);
    free(bytes);
}

static void a_caller_may_flag_what_the_sieve_does_not(void) {
    gradsieve_sketcher *const sketcher = new_sketcher();
    gradsieve_sieve *const sieve = new_sieve(sieve_memory);
    const gradsieve_sketch sketch = new_sketch(sketcher);
    gradsieve_verdict verdict;
    gradsieve_sieve_counts counts;
    gradsieve_health health;
    OK(gradsieve_sieve_judge(sieve, &sketch, &verdict, NULL));
    CHECK(verdict.flagged == 0);
    verdict.flagged = 1;
    OK(gradsieve_sieve_observe(sieve, &sketch, &verdict, NULL, NULL));
    OK(gradsieve_sieve_count(sieve, &counts, NULL));
    CHECK(counts.seen == 1 && counts.flagged == 1 && counts.non_finite == 0);
    OK(gradsieve_sieve_check_health(sieve, &health, NULL));
    CHECK(health == GRADSIEVE_HEALTH_WARMING_UP);
}

static void the_other_states_refuse_the_same(void) {
    static GRADSIEVE_MEMORY(direction_memory, GRADSIEVE_DIRECTION_SIZE(WIDTH, 1));
    static GRADSIEVE_MEMORY(shapley_memory, GRADSIEVE_SHAPLEY_SIZE(3));
    gradsieve_sketcher *const sketcher = new_sketcher();
    gradsieve_sketch sketch = new_sketch(sketcher);
    const gradsieve_direction_settings settings = gradsieve_direction_settings_default(1, WIDTH);
    gradsieve_direction *direction;
    gradsieve_shapley *shapley;
    gradsieve_error error;
    double score;
    OK(gradsieve_direction_init(direction_memory, sizeof direction_memory, &settings, &direction, NULL));
    OK(gradsieve_shapley_init(shapley_memory, sizeof shapley_memory, 3, &shapley, NULL));
    RETURNS(GRADSIEVE_STATUS_MEMORY, gradsieve_shapley_init(shapley_memory, sizeof shapley_memory, 4, &shapley, NULL));
    OK(gradsieve_shapley_init(shapley_memory, sizeof shapley_memory, 3, &shapley, NULL));

    sketch.group = 1;
    RETURNS(GRADSIEVE_STATUS_GROUP, gradsieve_direction_observe(direction, &sketch, &error));
    CHECK(error.expected == 1 && error.found == 1);
    void *volatile address = shapley;
    RETURNS(GRADSIEVE_STATUS_OTHER_KIND, gradsieve_direction_observe((gradsieve_direction *)address, &sketch, NULL));
    RETURNS(GRADSIEVE_STATUS_OVERLAP, gradsieve_direction_merge(direction, direction, NULL));
    RETURNS(GRADSIEVE_STATUS_OVERLAP, gradsieve_shapley_merge(shapley, shapley, NULL));

    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_shapley_observe(shapley, 0.1, &sketch, NULL, 3, &sketch, NULL));
    gradsieve_sketch other = sketch;
    other.id.layout ^= 1;
    RETURNS(GRADSIEVE_STATUS_MISMATCH, gradsieve_influence_dot(&sketch, &other, &score, &error));
    CHECK(error.name_length > 0);
    OK(gradsieve_shapley_observe(shapley, 0.5, &sketch, NULL, 2, &sketch, NULL));
    double dot;
    OK(gradsieve_influence_dot(&sketch, &sketch, &dot, NULL));
    OK(gradsieve_shapley_score(shapley, 2, &score, NULL));
    CHECK(score == 0.5 * dot && dot > 0.0);

    uint8_t bytes[256];
    size_t needed, written;
    OK(gradsieve_shapley_at_rest(shapley, &needed, NULL));
    OK(gradsieve_shapley_to_bytes(shapley, bytes, sizeof bytes, &written, NULL));
    CHECK(written == needed);
    OK(gradsieve_shapley_reset(shapley, NULL));
    OK(gradsieve_shapley_restore(shapley, bytes, written, NULL));
    OK(gradsieve_shapley_score(shapley, 2, &score, NULL));
    CHECK(score == 0.5 * dot);
}

static void the_cheap_path_refuses_the_same(void) {
    static GRADSIEVE_MEMORY(memory, GRADSIEVE_KRONECKER_SIZE(WIDTH, 2));
    const gradsieve_layer network[2] = {{0, 16, 25}, {400, 5, 17}}, foreign = {0, 25, 16};
    const gradsieve_key key = {7, {0}, 0};
    gradsieve_kronecker *kronecker;
    gradsieve_sketch sketch;
    gradsieve_error error;
    const gradsieve_status null = GRADSIEVE_STATUS_NULL_POINTER;
    RETURNS(null, gradsieve_kronecker_init(NULL, 100000, &key, WIDTH, network, 2, &kronecker, NULL));
    RETURNS(null, gradsieve_kronecker_init(memory, sizeof memory, NULL, WIDTH, network, 2, &kronecker, NULL));
    RETURNS(null, gradsieve_kronecker_init(memory, sizeof memory, &key, WIDTH, NULL, 2, &kronecker, NULL));
    RETURNS(null, gradsieve_kronecker_init(memory, sizeof memory, &key, WIDTH, network, 2, NULL, NULL));
    RETURNS(GRADSIEVE_STATUS_MISALIGNED, gradsieve_kronecker_init((char *)memory + 4, sizeof memory - 4, &key, WIDTH,
                                                                  network, 2, &kronecker, NULL));
    RETURNS(GRADSIEVE_STATUS_MEMORY,
            gradsieve_kronecker_init(memory, sizeof memory, &key, WIDTH, network, SIZE_MAX / 64, &kronecker, NULL));
    size_t needed;
    OK(gradsieve_kronecker_size(WIDTH, 2, &needed, NULL));
    RETURNS(GRADSIEVE_STATUS_MEMORY,
            gradsieve_kronecker_init(memory, needed - 1, &key, WIDTH, network, 2, &kronecker, &error));
    CHECK(error.expected == needed && error.found == needed - 1);
    RETURNS(GRADSIEVE_STATUS_SETTING,
            gradsieve_kronecker_init(memory, sizeof memory, &key, 1, network, 2, &kronecker, &error));
    CHECK(error.name_length == 5 && memcmp(error.name, "width", 5) == 0);
    RETURNS(GRADSIEVE_STATUS_LAYER,
            gradsieve_kronecker_init(memory, sizeof memory, &key, WIDTH, NULL, 0, &kronecker, NULL));
    /* What is left there is no state. */
    void *volatile address = memory;
    RETURNS(GRADSIEVE_STATUS_NO_STATE, gradsieve_kronecker_abandon((gradsieve_kronecker *)address, NULL));

    OK(gradsieve_kronecker_init(memory, sizeof memory, &key, WIDTH, network, 2, &kronecker, NULL));
    RETURNS(GRADSIEVE_STATUS_OTHER_KIND, gradsieve_sketcher_abandon((gradsieve_sketcher *)address, NULL));
    RETURNS(null, gradsieve_kronecker_outer_f32(NULL, &network[0], ones, 25, ones, 16, NULL));
    RETURNS(null, gradsieve_kronecker_outer_f32(kronecker, NULL, ones, 25, ones, 16, NULL));
    RETURNS(null, gradsieve_kronecker_outer_f32(kronecker, &network[0], NULL, 25, ones, 16, NULL));
    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_kronecker_outer_f32(kronecker, &network[0], ones, 24, ones, 16, &error));
    CHECK(error.expected == 25 && error.found == 24);
    RETURNS(GRADSIEVE_STATUS_LENGTH,
            gradsieve_kronecker_outer_biased_f32(kronecker, &network[0], ones, 25, ones, 16, &error));
    CHECK(error.expected == 25 && error.found == 26);
    RETURNS(GRADSIEVE_STATUS_LAYER_MISMATCH,
            gradsieve_kronecker_outer_f32(kronecker, &foreign, ones, 16, ones, 25, NULL));
    RETURNS(GRADSIEVE_STATUS_SETTING,
            gradsieve_kronecker_sequence_f32(kronecker, &network[0], 0, ones, 0, ones, 0, NULL));
    RETURNS(GRADSIEVE_STATUS_OUTSIDE_LAYOUT, gradsieve_kronecker_segment_f32(kronecker, 480, ones, 6, NULL));
    OK(gradsieve_kronecker_outer_biased_f32(kronecker, &network[0], ones, 24, ones, 16, NULL));
    RETURNS(GRADSIEVE_STATUS_INCOMPLETE, gradsieve_kronecker_finish(kronecker, &sketch, NULL));
    OK(gradsieve_kronecker_sequence_f32(kronecker, &network[1], 2, ones, 34, ones, 10, NULL));
    OK(gradsieve_kronecker_finish(kronecker, &sketch, NULL));
    CHECK(sketch.measures.count == 485);
    memory[0] = 0;
    RETURNS(GRADSIEVE_STATUS_NO_STATE, gradsieve_kronecker_abandon(kronecker, NULL));
}

static void packets_refuse_what_is_none(void) {
    static GRADSIEVE_MEMORY(memory, GRADSIEVE_PACKETS_SIZE);
    gradsieve_sketcher *const sketcher = new_sketcher();
    gradsieve_sketch sketch = new_sketch(sketcher);
    gradsieve_sketch received;
    gradsieve_packets *packets;
    gradsieve_packet_header header;
    gradsieve_packet_settings settings = {GRADSIEVE_CODEC_F16, 0, 0};
    uint8_t packet[GRADSIEVE_PACKET_MOST(GRADSIEVE_CODEC_F32, WIDTH)];
    float values[WIDTH] = {0};
    size_t written;
    const gradsieve_status null = GRADSIEVE_STATUS_NULL_POINTER;
    RETURNS(null, gradsieve_packets_init(NULL, 1000, &sketch.id, WIDTH, LAYERS, 2, &packets, NULL));
    RETURNS(null, gradsieve_packets_init(memory, sizeof memory, NULL, WIDTH, LAYERS, 2, &packets, NULL));
    RETURNS(null, gradsieve_packets_init(memory, sizeof memory, &sketch.id, WIDTH, LAYERS, 2, NULL, NULL));
    RETURNS(GRADSIEVE_STATUS_MEMORY,
            gradsieve_packets_init(memory, sizeof memory - 1, &sketch.id, WIDTH, LAYERS, 2, &packets, NULL));
    RETURNS(GRADSIEVE_STATUS_MISALIGNED, gradsieve_packets_init((char *)memory + 1, sizeof memory, &sketch.id, WIDTH,
                                                                LAYERS, 2, &packets, NULL));
    RETURNS(GRADSIEVE_STATUS_MISMATCH,
            gradsieve_packets_init(memory, sizeof memory, &sketch.id, WIDTH, LAYERS, 1, &packets, NULL));
    RETURNS(GRADSIEVE_STATUS_SETTING,
            gradsieve_packets_init(memory, sizeof memory, &sketch.id, 65536, LAYERS, 2, &packets, NULL));
    OK(gradsieve_packets_init(memory, sizeof memory, &sketch.id, WIDTH, LAYERS, 2, &packets, NULL));

    RETURNS(null, gradsieve_packets_write(packets, NULL, &settings, packet, sizeof packet, &written, NULL));
    RETURNS(null, gradsieve_packets_write(packets, &sketch, NULL, packet, sizeof packet, &written, NULL));
    RETURNS(null, gradsieve_packets_write(packets, &sketch, &settings, NULL, 100, &written, NULL));
    RETURNS(null, gradsieve_packets_write(packets, &sketch, &settings, packet, sizeof packet, NULL, NULL));
    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_packets_write(packets, &sketch, &settings, packet, 20, &written, NULL));
    RETURNS(GRADSIEVE_STATUS_OVERLAP, gradsieve_packets_write(packets, &sketch, &settings, (uint8_t *)memory,
                                                              sizeof memory, &written, NULL));
    settings.codec = 9;
    RETURNS(GRADSIEVE_STATUS_SETTING,
            gradsieve_packets_write(packets, &sketch, &settings, packet, sizeof packet, &written, NULL));
    settings.codec = GRADSIEVE_CODEC_F16;
    gradsieve_sketch other = sketch;
    other.id.key ^= 1;
    RETURNS(GRADSIEVE_STATUS_MISMATCH,
            gradsieve_packets_write(packets, &other, &settings, packet, sizeof packet, &written, NULL));
    OK(gradsieve_packets_write(packets, &sketch, &settings, packet, sizeof packet, &written, NULL));

    RETURNS(null, gradsieve_packets_read(packets, NULL, 100, values, WIDTH, &received, NULL, NULL));
    RETURNS(null, gradsieve_packets_read(packets, packet, written, NULL, WIDTH, &received, NULL, NULL));
    RETURNS(null, gradsieve_packets_read(packets, packet, written, values, WIDTH, NULL, NULL, NULL));
    RETURNS(GRADSIEVE_STATUS_LENGTH,
            gradsieve_packets_read(packets, packet, written, values, WIDTH - 1, &received, NULL, NULL));
    RETURNS(GRADSIEVE_STATUS_TRUNCATED,
            gradsieve_packets_read(packets, packet, written - 1, values, WIDTH, &received, NULL, NULL));
    RETURNS(GRADSIEVE_STATUS_MAGIC,
            gradsieve_packets_read(packets, packet + 1, written - 1, values, WIDTH, &received, NULL, NULL));
    RETURNS(GRADSIEVE_STATUS_TRUNCATED, gradsieve_packet_peek(packet, GRADSIEVE_PACKET_HEADER - 1, &header, NULL));
    RETURNS(null, gradsieve_packet_peek(packet, GRADSIEVE_PACKET_HEADER, NULL, NULL));
    void *volatile address = sketcher;
    RETURNS(GRADSIEVE_STATUS_OTHER_KIND, gradsieve_packets_read((const gradsieve_packets *)address, packet, written,
                                                                values, WIDTH, &received, NULL, NULL));
}

static void stores_and_the_k_largest_refuse_the_same(void) {
    static GRADSIEVE_MEMORY(store_memory, GRADSIEVE_STORE_SIZE(GRADSIEVE_CODEC_F16, WIDTH, 2));
    static GRADSIEVE_MEMORY(target_memory, GRADSIEVE_TARGET_SIZE(GRADSIEVE_CODEC_F16, WIDTH));
    static GRADSIEVE_MEMORY(top_memory, GRADSIEVE_TOP_K_SIZE(2));
    gradsieve_sketcher *const sketcher = new_sketcher();
    gradsieve_sketch sketch = new_sketch(sketcher);
    gradsieve_store_settings settings = {WIDTH, 2, GRADSIEVE_CODEC_INT8};
    gradsieve_store *store;
    gradsieve_target *target;
    gradsieve_top_k *top;
    gradsieve_entry entries[2] = {{0, 0.0}};
    gradsieve_error error;
    float scores[16] = {0}, values[WIDTH] = {0};
    uint64_t id;
    size_t count;
    const gradsieve_status null = GRADSIEVE_STATUS_NULL_POINTER;
    RETURNS(null, gradsieve_store_init(NULL, 10000, &settings, &store, NULL));
    RETURNS(null, gradsieve_store_init(store_memory, sizeof store_memory, NULL, &store, NULL));
    /* Signs of rows that were not rotated: given up. */
    settings.codec = 4;
    RETURNS(GRADSIEVE_STATUS_SETTING,
            gradsieve_store_init(store_memory, sizeof store_memory, &settings, &store, &error));
    CHECK(error.name_length == 5 && memcmp(error.name, "codec", 5) == 0);
    settings.codec = GRADSIEVE_CODEC_INT8;
    OK(gradsieve_store_size(&settings, &count, NULL));
    RETURNS(GRADSIEVE_STATUS_MEMORY, gradsieve_store_init(store_memory, count - 1, &settings, &store, NULL));
    OK(gradsieve_store_init(store_memory, sizeof store_memory, &settings, &store, NULL));
    RETURNS(GRADSIEVE_STATUS_SETTING,
            gradsieve_target_init(target_memory, sizeof target_memory, 5, WIDTH, &target, NULL));
    RETURNS(GRADSIEVE_STATUS_WIDTH,
            gradsieve_target_init(target_memory, sizeof target_memory, GRADSIEVE_CODEC_F16, 0, &target, NULL));
    RETURNS(GRADSIEVE_STATUS_MEMORY, gradsieve_target_init(target_memory, sizeof target_memory - 8,
                                                           GRADSIEVE_CODEC_F16, WIDTH, &target, NULL));
    OK(gradsieve_target_init(target_memory, sizeof target_memory, GRADSIEVE_CODEC_F16, WIDTH, &target, NULL));
    RETURNS(GRADSIEVE_STATUS_MEMORY, gradsieve_top_k_init(top_memory, sizeof top_memory, 3, &top, NULL));
    OK(gradsieve_top_k_init(top_memory, sizeof top_memory, 2, &top, NULL));

    RETURNS(null, gradsieve_store_append(store, 1, NULL, NULL));
    RETURNS(null, gradsieve_store_append(NULL, 1, &sketch, NULL));
    OK(gradsieve_store_append(store, 1, &sketch, NULL));
    gradsieve_sketch other = sketch;
    other.id.layout ^= 1;
    RETURNS(GRADSIEVE_STATUS_MISMATCH, gradsieve_store_append(store, 2, &other, NULL));
    other = sketch;
    other.width = WIDTH - 1;
    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_store_append(store, 2, &other, NULL));
    OK(gradsieve_store_append(store, 2, &sketch, NULL));
    RETURNS(GRADSIEVE_STATUS_FULL, gradsieve_store_append(store, 3, &sketch, &error));
    CHECK(error.expected == 2);
    RETURNS(GRADSIEVE_STATUS_ROW, gradsieve_store_replace(store, 2, 3, &sketch, NULL));
    OK(gradsieve_store_replace(store, 1, 3, &sketch, NULL));
    RETURNS(GRADSIEVE_STATUS_ROW, gradsieve_store_get(store, 2, values, WIDTH, &id, &other, NULL));
    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_store_get(store, 1, values, WIDTH - 1, &id, &other, NULL));
    RETURNS(GRADSIEVE_STATUS_OVERLAP,
            gradsieve_store_get(store, 1, (float *)store_memory, WIDTH, &id, &other, NULL));
    OK(gradsieve_store_get(store, 1, values, WIDTH, &id, &other, NULL));
    CHECK(id == 3);
    RETURNS(GRADSIEVE_STATUS_OVERLAP, gradsieve_store_merge(store, store, NULL));

    /* A target that is not set yet, and one for rows of another codec. */
    OK(gradsieve_target_set(target, &sketch, NULL));
    RETURNS(GRADSIEVE_STATUS_MISMATCH, gradsieve_store_score(store, target, scores, 2, NULL));
    RETURNS(GRADSIEVE_STATUS_MISMATCH, gradsieve_store_top(store, target, scores, 16, top, NULL, NULL));
    settings.codec = GRADSIEVE_CODEC_F16;
    OK(gradsieve_store_init(store_memory, sizeof store_memory, &settings, &store, NULL));
    OK(gradsieve_store_append(store, 1, &sketch, NULL));
    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_store_score(store, target, scores, 2, NULL));
    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_store_top(store, target, scores, 15, top, NULL, NULL));
    RETURNS(null, gradsieve_store_top(store, target, scores, 16, NULL, NULL, NULL));
    RETURNS(GRADSIEVE_STATUS_OVERLAP, gradsieve_store_score(store, target, (float *)target_memory, 1, NULL));
    void *volatile address = top;
    RETURNS(GRADSIEVE_STATUS_OTHER_KIND, gradsieve_store_score(store, (const gradsieve_target *)address, scores, 1, NULL));
    OK(gradsieve_store_score(store, target, scores, 1, NULL));
    OK(gradsieve_store_top(store, target, scores, 16, top, NULL, NULL));

    volatile double zero = 0.0;
    RETURNS(GRADSIEVE_STATUS_NON_FINITE, gradsieve_top_k_push(top, 5, zero / zero, NULL));
    OK(gradsieve_top_k_push(top, 5, 1e300, NULL));
    RETURNS(GRADSIEVE_STATUS_LENGTH, gradsieve_top_k_sorted(top, entries, 1, &count, &error));
    CHECK(error.expected == 2 && error.found == 1);
    OK(gradsieve_top_k_sorted(top, entries, 2, &count, NULL));
    CHECK(count == 2 && entries[0].id == 5 && entries[1].id == 1);
    RETURNS(GRADSIEVE_STATUS_OVERLAP, gradsieve_top_k_merge(top, top, NULL));
    address = store;
    RETURNS(GRADSIEVE_STATUS_OTHER_KIND, gradsieve_top_k_push((gradsieve_top_k *)address, 1, 1.0, NULL));
}

int main(void) {
    for (size_t i = 0; i < sizeof ones / sizeof ones[0]; i++) {
        ones[i] = 1.0f;
    }
    null_is_a_status();
    misaligned_memory_is_a_status();
    memory_that_is_no_such_state_is_a_status();
    sizes_that_do_not_fit_are_told();
    settings_out_of_range_are_named();
    a_state_is_not_merged_with_itself_or_written_over_itself();
    foreign_verdicts_and_bytes_are_refused();
    a_caller_may_flag_what_the_sieve_does_not();
    the_other_states_refuse_the_same();
    the_cheap_path_refuses_the_same();
    packets_refuse_what_is_none();
    stores_and_the_k_largest_refuse_the_same();
    return 0;
}
