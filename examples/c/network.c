#include "network.h"

#include <stdint.h>
#include <string.h>

/* What a probability of 0 is taken for in a loss. */
static const float LEAST = 1e-30f;

/* Two to a power, of normal numbers. */
static float power_of_two(int exponent) {
    const uint32_t bits = (uint32_t)(exponent + 127) << 23;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The exponential of x from -80 to 0: the same bits with every compiler, for it is sums
 * and products alone. Below it is 0. */
static float exponential(float x) {
    if (x < -80.0f) {
        return 0.0f;
    }
    const int n = (int)(x * 1.44269504f - 0.5f);
    const float r = (x - (float)n * 0.693145752f) - (float)n * 1.42860677e-6f;
    static const float terms[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
    float sum = 0.0f;
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) { /* 1 + r + r²/2 + … */
        sum = sum * r + terms[i];
    }
    return sum * power_of_two(n);
}

/* The natural logarithm of a normal number above 0. */
static float logarithm(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int exponent = (int)((bits + 0x004AFB0Du) >> 23) - 127; /* x·2⁻ᵉ within √½ … √2 */
    const float m = x * power_of_two(-exponent);
    const float s = (m - 1.0f) / (m + 1.0f), square = s * s;
    static const float terms[] = {1.0f / 9, 1.0f / 7, 1.0f / 5, 1.0f / 3, 1.0f};
    float sum = 0.0f;
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) { /* s + s³/3 + s⁵/5 + … */
        sum = sum * square + terms[i];
    }
    return 2.0f * s * sum + (float)exponent * 0.693147181f;
}

/* Four sums side by side, in an order that any compiler keeps. */
static float dot(const float *x, const float *y, size_t length) {
    float first = 0.0f, second = 0.0f, third = 0.0f, fourth = 0.0f, rest = 0.0f;
    for (; length >= 4; length -= 4, x += 4, y += 4) {
        first += x[0] * y[0];
        second += x[1] * y[1];
        third += x[2] * y[2];
        fourth += x[3] * y[3];
    }
    for (; length > 0; length--) {
        rest += *x++ * *y++;
    }
    return (first + second) + (third + fourth) + rest;
}

static void nothing(layer *self) { (void)self; }

static void dense_forward(layer *self) {
    for (size_t row = 0; row < self->outputs; row++) {
        const float *const weights = self->weights + row * self->inputs;
        self->result[row] = dot(weights, self->input_layer->result, self->inputs) + self->bias[row];
    }
}

static void dense_backward(layer *self) {
    if (self->deltas == NULL) {
        return;
    }
    memset(self->deltas, 0, self->inputs * sizeof *self->deltas);
    for (size_t row = 0; row < self->outputs; row++) {
        const float *const weights = self->weights + row * self->inputs;
        const float delta = self->output_layer->deltas[row];
        for (size_t i = 0; i < self->inputs; i++) {
            self->deltas[i] += weights[i] * delta;
        }
    }
}

static void relu_forward(layer *self) {
    for (size_t i = 0; i < self->outputs; i++) {
        const float x = self->input_layer->result[i];
        self->result[i] = x > 0.0f ? x : 0.0f;
    }
}

static void relu_backward(layer *self) {
    for (size_t i = 0; i < self->inputs; i++) {
        self->deltas[i] = self->result[i] > 0.0f ? self->output_layer->deltas[i] : 0.0f;
    }
}

static void softmax_forward(layer *self) {
    const float *const logits = self->input_layer->result;
    float most = logits[0], sum = 0.0f;
    for (size_t i = 1; i < self->outputs; i++) {
        most = logits[i] > most ? logits[i] : most;
    }
    for (size_t i = 0; i < self->outputs; i++) {
        self->result[i] = exponential(logits[i] - most);
        sum += self->result[i];
    }
    const float scale = 1.0f / sum;
    for (size_t i = 0; i < self->outputs; i++) {
        self->result[i] *= scale;
    }
}

static void cross_entropy_backward(layer *self) {
    const float p = self->result[self->label];
    self->loss = -logarithm(p > LEAST ? p : LEAST);
    memcpy(self->deltas, self->result, self->inputs * sizeof *self->deltas);
    self->deltas[self->label] -= 1.0f;
}

static layer made(size_t inputs, size_t outputs, void (*forward)(layer *), void (*backward)(layer *)) {
    layer self;
    memset(&self, 0, sizeof self);
    self.inputs = inputs;
    self.outputs = outputs;
    self.forward = forward;
    self.backward = backward;
    return self;
}

layer layer_input(size_t width) { return made(width, width, nothing, nothing); }

layer layer_dense(size_t inputs, size_t outputs, float *weights, float *bias) {
    layer self = made(inputs, outputs, dense_forward, dense_backward);
    self.weights = weights;
    self.bias = bias;
    return self;
}

layer layer_relu(size_t width) { return made(width, width, relu_forward, relu_backward); }

layer layer_softmax_cross_entropy(size_t width) {
    return made(width, width, softmax_forward, cross_entropy_backward);
}

void network_connect(layer *layers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        layers[i].input_layer = i > 0 ? &layers[i - 1] : NULL;
        layers[i].output_layer = i + 1 < count ? &layers[i + 1] : NULL;
    }
}

void network_forward(layer *layers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        layers[i].forward(&layers[i]);
    }
}

void network_backward(layer *layers, size_t count, size_t label) {
    layers[count - 1].label = label;
    for (size_t i = count; i > 0; i--) {
        layers[i - 1].backward(&layers[i - 1]);
    }
}

void network_step(layer *layers, size_t count, float learning_rate) {
    for (layer *self = layers; self < layers + count; self++) {
        for (size_t row = 0; self->weights != NULL && row < self->outputs; row++) {
            const float delta = learning_rate * self->output_layer->deltas[row];
            const float *const given = self->input_layer->result;
            float *const weights = self->weights + row * self->inputs;
            for (size_t i = 0; i < self->inputs; i++) {
                weights[i] -= delta * given[i];
            }
            self->bias[row] -= delta;
        }
    }
}

size_t network_class(const layer *layers, size_t count) {
    const layer *const last = &layers[count - 1];
    size_t best = 0;
    for (size_t i = 1; i < last->outputs; i++) {
        best = last->result[i] >= last->result[best] ? i : best;
    }
    return best;
}
