/* A network of layers that stand in an array, each of which keeps what it gave (result)
 * and the loss gradient of what went into it (deltas). No heap. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stddef.h>

typedef struct layer layer;

struct layer {
    void (*forward)(layer *self);
    void (*backward)(layer *self);
    layer *input_layer;  /* the one before it; NULL of the first */
    layer *output_layer; /* the one behind it; NULL of the last */
    size_t inputs;
    size_t outputs;
    float *result;  /* outputs: what it gives */
    float *deltas;  /* inputs: the loss gradient of what went in; NULL if nobody asks */
    float *weights; /* outputs × inputs, by rows; NULL of a layer without */
    float *bias;    /* outputs */
    size_t label;   /* of a loss: which output is to be 1 */
    float loss;     /* of a loss: the last sample's */
};

/* A layer without what stands before and behind it, and without memory. */
layer layer_input(size_t width);
layer layer_dense(size_t inputs, size_t outputs, float *weights, float *bias);
layer layer_relu(size_t width);
layer layer_softmax_cross_entropy(size_t width);

/* Makes layers of an array neighbours, in its order. */
void network_connect(layer *layers, size_t count);
/* From the first layer's result to the last one's. */
void network_forward(layer *layers, size_t count);
/* The loss, and the deltas of all layers. */
void network_backward(layer *layers, size_t count, size_t label);
/* A step down the gradient of what went forward and backward last. */
void network_step(layer *layers, size_t count, float learning_rate);
/* The class that the last forward pass takes the sample for. */
size_t network_class(const layer *layers, size_t count);

#endif
