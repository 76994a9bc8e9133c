/* A linear classifier of two classes learns from made samples, every sixteenth of which
 * has the wrong label; a sieve judges each before it is learnt. */
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include <gradsieve.h>

enum { INPUTS = 8, CLASSES = 2, SAMPLES = 2000, K = 16 };

static const gradsieve_layer LAYER = {0, CLASSES, INPUTS + 1};
static GRADSIEVE_MEMORY(sketcher_memory, GRADSIEVE_KRONECKER_SIZE(K, 1));
static GRADSIEVE_MEMORY(sieve_memory, GRADSIEVE_SIEVE_SIZE(K, CLASSES, 0));
static float weights[CLASSES][INPUTS + 1];

static float noise(uint32_t i) { /* uniform in -1 ... 1, from a counter */
    i = (i ^ (i >> 16)) * 0x7FEB352Du;
    i = (i ^ (i >> 15)) * 0x846CA68Bu;
    return (float)((i ^ (i >> 16)) >> 8) / 8388608.0f - 1.0f;
}

/* What came out of the layer, less what should have: the gradient of a squared error. */
static float forward(const float *x, uint32_t label, float *delta) {
    float loss = 0.0f;
    for (uint32_t c = 0; c < CLASSES; c++) {
        float sum = weights[c][INPUTS];
        for (int j = 0; j < INPUTS; j++) sum += weights[c][j] * x[j];
        delta[c] = sum - (c == label ? 1.0f : 0.0f);
        loss += 0.5f * delta[c] * delta[c];
    }
    return loss;
}

int main(void) {
    const gradsieve_key key = {7, {0}, 0};
    gradsieve_kronecker *sketcher;
    gradsieve_sieve *sieve;
    size_t width = 0;
    unsigned int found = 0, others = 0;
    gradsieve_status status = gradsieve_kronecker_init(sketcher_memory, sizeof sketcher_memory, &key, K, &LAYER, 1,
                                                       &sketcher, NULL);
    if (!status) status = gradsieve_kronecker_id(sketcher, &width, NULL, NULL);
    gradsieve_sieve_settings settings = gradsieve_sieve_settings_default(width);
    settings.groups = CLASSES;
    settings.loss_is_squared = 1;
    settings.duplicates = 0;
    settings.rate = 0.05f;
    if (!status) status = gradsieve_sieve_init(sieve_memory, sizeof sieve_memory, &settings, &sieve, NULL);

    for (uint32_t i = 0; i < SAMPLES && !status; i++) {
        const uint32_t class_ = i % CLASSES, is_wrong = i % 16 == 5, label = (class_ + is_wrong) % CLASSES;
        float x[INPUTS], delta[CLASSES];
        gradsieve_sketch sketch;
        gradsieve_verdict verdict;
        for (uint32_t j = 0; j < INPUTS; j++) x[j] = noise(class_ * INPUTS + j) + 0.5f * noise(1000 + i * INPUTS + j);
        const float loss = forward(x, label, delta);
        status = gradsieve_kronecker_outer_biased_f32(sketcher, &LAYER, x, INPUTS, delta, CLASSES, NULL);
        if (!status) status = gradsieve_kronecker_finish(sketcher, &sketch, NULL);
        if (status) break;
        sketch.group = label;
        sketch.loss = loss;
        sketch.has_loss = 1;
        status = gradsieve_sieve_judge(sieve, &sketch, &verdict, NULL);
        if (!status) status = gradsieve_sieve_observe(sieve, &sketch, &verdict, NULL, NULL);
        if (verdict.flagged) {
            found += is_wrong;
            others += !is_wrong;
            continue;
        }
        for (int c = 0; c < CLASSES; c++) {
            for (int j = 0; j < INPUTS; j++) weights[c][j] -= 0.02f * delta[c] * x[j];
            weights[c][INPUTS] -= 0.02f * delta[c];
        }
    }
    printk("%s: %u of %u wrong labels skipped, %u others\n", gradsieve_status_text(status), found, SAMPLES / 16, others);
    return (int)status;
}
