/* Trains the network of ../sensor/README.md on the series there, with one label in five
 * wrong, twice for each of five seeds: on all samples, and on those that a sieve lets
 * through. No heap: all memory is static, and its bytes are macros. */
#include <stdint.h>
#include <stdio.h>

#include "gradsieve.h"
#include "network.h"

enum {
    INPUTS = 24,
    HIDDEN = 16,
    CLASSES = 5,
    ROWS = 400, /* for training */
    TEST_ROWS = 200,
    ROW = INPUTS + 1, /* bytes: the inputs, in 32nds, and the state */
    EPOCHS = 20,
    SKIPS_FROM = 3, /* the epoch */
    SEEDS = 5,
    K = 32 /* numbers a sketch, at most */
};

extern const int8_t series[(ROWS + TEST_ROWS) * ROW];

/* The network: input, dense, rectifiers, dense, softmax. */
enum { INPUT, FIRST, RELU, SECOND, SOFTMAX, LAYERS };
static layer layers[LAYERS];
static float weights[HIDDEN * INPUTS + CLASSES * HIDDEN], biases[HIDDEN + CLASSES];
static float sample[INPUTS], hidden[2 * HIDDEN], outputs[2 * CLASSES];
static float hidden_deltas[2 * HIDDEN], output_deltas[CLASSES];

/* The same for gradsieve: a bias is the weight of one more input. */
static const gradsieve_layer PLACES[2] = {
    {0, HIDDEN, INPUTS + 1},
    {HIDDEN * (INPUTS + 1), CLASSES, HIDDEN + 1},
};
static GRADSIEVE_MEMORY(sketcher_memory, GRADSIEVE_KRONECKER_SIZE(K, 2));
static GRADSIEVE_MEMORY(sieve_memory, GRADSIEVE_SIEVE_SIZE(K, CLASSES, 0));
static gradsieve_kronecker *sketcher;
static gradsieve_sieve *sieve;

/* What a run came to. */
typedef struct outcome {
    unsigned right; /* of the test rows */
    unsigned wrong_seen, wrong_skipped, others_seen, others_skipped;
} outcome;

static uint64_t mix(uint64_t w) {
    w = (w ^ (w >> 30)) * 0xBF58476D1CE4E5B9u;
    w = (w ^ (w >> 27)) * 0x94D049BB133111EBu;
    return w ^ (w >> 31);
}

static uint64_t draw(uint64_t seed, uint64_t purpose, uint64_t i) {
    const uint64_t golden = 0x9E3779B97F4A7C15u;
    return mix(mix(mix(seed + golden) ^ purpose) + (i + 1) * golden);
}

static size_t state_of(size_t row) { return (size_t)series[row * ROW + INPUTS]; }

/* The label of a row for training: one in five is wrong. */
static size_t label_of(uint64_t seed, size_t row) {
    const uint64_t w = draw(seed, 1, row);
    return 5 * (w >> 32) < (uint64_t)1 << 32 ? (state_of(row) + 1 + (w & 3)) % CLASSES : state_of(row);
}

/* The row of step t of an epoch. */
static size_t row_of(uint64_t seed, uint64_t epoch, size_t t) {
    static const uint8_t steps[8] = {1, 3, 7, 9, 11, 13, 17, 19};
    const uint64_t w = draw(seed, 3, epoch);
    const size_t a = 20 * (size_t)((w >> 8) % 20) + steps[w & 7], b = (size_t)((w >> 32) % ROWS);
    return (a * t + b) % ROWS;
}

static void make_network(uint64_t seed) {
    layers[INPUT] = layer_input(INPUTS);
    layers[FIRST] = layer_dense(INPUTS, HIDDEN, weights, biases);
    layers[RELU] = layer_relu(HIDDEN);
    layers[SECOND] = layer_dense(HIDDEN, CLASSES, weights + HIDDEN * INPUTS, biases + HIDDEN);
    layers[SOFTMAX] = layer_softmax_cross_entropy(CLASSES);
    layers[INPUT].result = sample;
    layers[FIRST].result = hidden;
    layers[RELU].result = hidden + HIDDEN;
    layers[RELU].deltas = hidden_deltas;
    layers[SECOND].result = outputs;
    layers[SECOND].deltas = hidden_deltas + HIDDEN;
    layers[SOFTMAX].result = outputs + CLASSES;
    layers[SOFTMAX].deltas = output_deltas;
    network_connect(layers, LAYERS);
    for (size_t k = 0; k < sizeof weights / sizeof weights[0]; k++) {
        weights[k] = 0.5f * ((float)(draw(seed, 2, k) >> 40) / 8388608.0f - 1.0f);
    }
    for (size_t k = 0; k < sizeof biases / sizeof biases[0]; k++) {
        biases[k] = 0.0f;
    }
}

static void forward(size_t row) {
    for (size_t i = 0; i < INPUTS; i++) {
        sample[i] = (float)series[row * ROW + i] / 32.0f;
    }
    network_forward(layers, LAYERS);
}

static gradsieve_status make_sieve(void) {
    const gradsieve_key key = {7, {0}, 0}; /* where samples may be hostile: 128 secret bits */
    gradsieve_status status = gradsieve_kronecker_init(sketcher_memory, sizeof sketcher_memory, &key, K, PLACES, 2,
                                                       &sketcher, NULL);
    size_t width = 0; /* how many of the K numbers the layers share out */
    if (!status) status = gradsieve_kronecker_id(sketcher, &width, NULL, NULL);
    gradsieve_sieve_settings settings = gradsieve_sieve_settings_default(width);
    settings.groups = CLASSES;
    settings.rate = 0.25f;
    settings.half_life = 800;
    settings.duplicates = 0;
    if (!status) status = gradsieve_sieve_init(sieve_memory, sizeof sieve_memory, &settings, &sieve, NULL);
    return status;
}

/* Shows the sieve what went forward and backward last. */
static gradsieve_status judge(size_t label, int *flagged) {
    gradsieve_sketch sketch;
    gradsieve_verdict verdict;
    gradsieve_status status = GRADSIEVE_STATUS_OK;
    for (int i = 1; i >= 0 && !status; i--) {
        const layer *const dense = &layers[i ? SECOND : FIRST];
        status = gradsieve_kronecker_outer_biased_f32(sketcher, &PLACES[i], dense->input_layer->result, dense->inputs,
                                                      dense->output_layer->deltas, dense->outputs, NULL);
    }
    if (!status) status = gradsieve_kronecker_finish(sketcher, &sketch, NULL);
    if (status) return status;
    sketch.group = (uint32_t)label;
    sketch.loss = layers[SOFTMAX].loss;
    sketch.has_loss = 1;
    status = gradsieve_sieve_judge(sieve, &sketch, &verdict, NULL);
    if (!status) status = gradsieve_sieve_observe(sieve, &sketch, &verdict, NULL, NULL);
    *flagged = verdict.flagged;
    return status;
}

static gradsieve_status run(uint64_t seed, int with_sieve, outcome *of) {
    static const outcome none;
    *of = none;
    gradsieve_status status = make_sieve();
    make_network(seed);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        for (size_t t = 0; t < ROWS && !status; t++) {
            const size_t row = row_of(seed, epoch, t), label = label_of(seed, row);
            const unsigned is_wrong = label != state_of(row);
            int flagged = 0;
            forward(row);
            network_backward(layers, LAYERS, label);
            if (with_sieve) status = judge(label, &flagged);
            if (epoch < SKIPS_FROM) flagged = 0;
            if (!flagged) network_step(layers, LAYERS, 0.03f);
            if (epoch >= SKIPS_FROM) {
                of->wrong_seen += is_wrong;
                of->others_seen += !is_wrong;
                of->wrong_skipped += flagged && is_wrong;
                of->others_skipped += flagged && !is_wrong;
            }
        }
    }
    for (size_t row = ROWS; row < ROWS + TEST_ROWS; row++) {
        forward(row);
        of->right += network_class(layers, LAYERS) == state_of(row);
    }
    return status;
}

/* A share in percent, with one decimal. */
static void print_share(unsigned part, unsigned whole) {
    const unsigned thousandths = whole ? (2000 * part + whole) / (2 * whole) : 0;
    printf("%u.%u %%", thousandths / 10, thousandths % 10);
}

int main(void) {
    unsigned right[2] = {0, 0};
    gradsieve_status status = GRADSIEVE_STATUS_OK;
    for (uint64_t seed = 1; seed <= SEEDS && !status; seed++) {
        outcome plain, sieved;
        status = run(seed, 0, &plain);
        if (!status) status = run(seed, 1, &sieved);
        if (status) break;
        printf("seed %u: ", (unsigned)seed);
        print_share(plain.right, TEST_ROWS);
        printf(" without the sieve, ");
        print_share(sieved.right, TEST_ROWS);
        printf(" with it; skipped ");
        print_share(sieved.wrong_skipped, sieved.wrong_seen);
        printf(" of the wrong labels, ");
        print_share(sieved.others_skipped, sieved.others_seen);
        printf(" of the others\n");
        right[0] += plain.right;
        right[1] += sieved.right;
    }
    printf("%s; of the test rows are right ", gradsieve_status_text(status));
    print_share(right[0], SEEDS * TEST_ROWS);
    printf(" without the sieve, ");
    print_share(right[1], SEEDS * TEST_ROWS);
    printf(" with it\n");
    return (int)status;
}
