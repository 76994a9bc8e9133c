/* A small classifier learns while a sieve of 3 KB judges each sample. One label in sixteen
 * is wrong: judge, skip or step, observe. */
#include <math.h>
#include <stdio.h>

#include "gradsieve.h"

enum { INPUTS = 16, CLASSES = 4, SAMPLES = 2000, K = 32 };

static GRADSIEVE_MEMORY(sketcher_memory, GRADSIEVE_SKETCHER_SIZE(K));
static GRADSIEVE_MEMORY(sieve_memory, GRADSIEVE_SIEVE_SIZE(K, CLASSES, 0));
static float weights[CLASSES][INPUTS];

static float noise(uint64_t i) { /* uniform in -1 ... 1, from a counter */
    i = (i + 1) * 0x9E3779B97F4A7C15u;
    i = (i ^ (i >> 31)) * 0xD6E8FEB86659FD93u;
    return (float)(i >> 40) / 8388608.0f - 1.0f;
}

int main(void) {
    const gradsieve_layer layer = {0, CLASSES, INPUTS};
    gradsieve_sketcher_settings projection = gradsieve_sketcher_settings_default(K);
    projection.key.seed = 7; /* in the field: 128 random bits, kept secret */
    gradsieve_sieve_settings settings = gradsieve_sieve_settings_default(K);
    settings.groups = CLASSES;
    settings.duplicates = 0;
    settings.rate = 0.05f;

    gradsieve_sketcher *sketcher;
    gradsieve_sieve *sieve;
    gradsieve_status status = gradsieve_sketcher_init_sjlt(sketcher_memory, sizeof sketcher_memory,
                                                           &projection, &layer, 1, &sketcher, NULL);
    if (!status) status = gradsieve_sieve_init(sieve_memory, sizeof sieve_memory, &settings, &sieve, NULL);
    int found = 0, false_alarms = 0;
    for (int i = 0; i < SAMPLES && !status; i++) {
        const int class_ = i % CLASSES, is_wrong = i % 16 == 5;
        const int label = is_wrong ? (class_ + 1) % CLASSES : class_;
        float x[INPUTS], delta[CLASSES], sum = 0.0f;
        for (int j = 0; j < INPUTS; j++) x[j] = noise(class_ * INPUTS + j) + 0.7f * noise(1000 + i * INPUTS + j);
        for (int c = 0; c < CLASSES; c++) { /* forward, and the softmax */
            float logit = 0.0f;
            for (int j = 0; j < INPUTS; j++) logit += weights[c][j] * x[j];
            sum += delta[c] = expf(logit);
        }
        for (int c = 0; c < CLASSES; c++) delta[c] /= sum;
        gradsieve_sketch sketch;
        gradsieve_verdict verdict;
        const float loss = -logf(delta[label]);
        delta[label] -= 1.0f; /* the gradient of the weights is delta times x */
        if (!status) status = gradsieve_sketcher_outer_f32(sketcher, &layer, x, INPUTS, delta, CLASSES, NULL);
        if (!status) status = gradsieve_sketcher_finish(sketcher, &sketch, NULL);
        sketch.group = (uint32_t)label, sketch.loss = loss, sketch.has_loss = 1;
        if (!status) status = gradsieve_sieve_judge(sieve, &sketch, &verdict, NULL);
        if (!status) status = gradsieve_sieve_observe(sieve, &sketch, &verdict, NULL, NULL);
        if (status || verdict.flagged) { found += is_wrong, false_alarms += !is_wrong; continue; }
        for (int c = 0; c < CLASSES; c++) for (int j = 0; j < INPUTS; j++) weights[c][j] -= 0.02f * delta[c] * x[j];
    }
    printf("%s: %d of %d wrong labels skipped, %d others\n", gradsieve_status_text(status), found, SAMPLES / 16, false_alarms);
    return (int)status;
}
