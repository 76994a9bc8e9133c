/* gradsieve: which training samples are harmful, odd or influential, told while a device
 * trains. The C library; the book has a page on it (docs/src/guide/c.md).
 *
 * WHAT ALL FUNCTIONS HAVE IN COMMON
 *
 * A batch-mean gradient is not a per-sample gradient: all of this speaks about single
 * samples (or clients, or sensors) and wants their gradients, one at a time.
 *
 * Memory. There is no heap and nothing global. A state lives in memory of the caller,
 * which is as many bytes as its ..._size function says, or its macro at compile time:
 *
 *     static GRADSIEVE_MEMORY(memory, GRADSIEVE_SIEVE_SIZE(32, 1, 64));
 *
 * Its ..._init function returns the state's address, which is that of the memory. The
 * memory is the state's until the caller uses it for something else: there is nothing to
 * free. A state cannot be copied or moved; it travels as bytes (..._to_bytes, _restore),
 * which any machine reads.
 *
 * Statuses. Functions return GRADSIEVE_STATUS_OK or why they refused, and a refused call
 * leaves states as they were and writes no results. NULL, misaligned or foreign memory, a
 * state of another kind and lengths that do not fit are such refusals. The last argument,
 * gradsieve_error *, may be NULL; it is told the numbers and names that belong to a
 * refusal.
 *
 * What cannot be seen is the caller's to see to: an address that is not NULL points to as
 * many values as the call says; a state's memory is written by nobody else; arguments that
 * a call writes do not overlap others.
 *
 * Threads. Functions that take a state as const may run at the same time on one state.
 * Other functions need the state for themselves. Different states have nothing in common.
 *
 * Flags are uint8_t: 0 is no, all else is yes. */


#ifndef GRADSIEVE_H
#define GRADSIEVE_H

#include <stddef.h>
#include <stdint.h>

/**
 * As they are: 4 bytes a number.
 */
#define GRADSIEVE_CODEC_F32 0

/**
 * IEEE half precision and a power of two a row: 2 bytes a number, off by 2⁻¹¹ of itself.
 */
#define GRADSIEVE_CODEC_F16 1

/**
 * The upper half of a float and a power of two a row: 2 bytes a number, off by 2⁻⁸ of
 * itself.
 */
#define GRADSIEVE_CODEC_BF16 2

/**
 * Signed bytes and a scale a row: a byte a number, off by 1/254 of the row's largest.
 */
#define GRADSIEVE_CODEC_INT8 3

/**
 * Signs of the rotated row and a scale a row: a bit a number.
 */
#define GRADSIEVE_CODEC_ONE_BIT 6

/**
 * Four levels of the rotated row and a scale a row: two bits a number.
 */
#define GRADSIEVE_CODEC_TWO_BITS 7

/**
 * Sixteen levels of the rotated row and a scale a row: four bits a number.
 */
#define GRADSIEVE_CODEC_FOUR_BITS 8

/**
 * Bytes of the detector's memory beside its numbers: GRADSIEVE_DIRECTION_SIZE.
 */
#define GRADSIEVE_DIRECTION_FIXED 1232

/**
 * Bytes of its memory beside its numbers: GRADSIEVE_SHAPLEY_SIZE.
 */
#define GRADSIEVE_SHAPLEY_FIXED 64

/**
 * Bytes of its memory beside its numbers and layers: GRADSIEVE_KRONECKER_SIZE.
 */
#define GRADSIEVE_KRONECKER_FIXED 816

/**
 * Bytes of its memory a layer.
 */
#define GRADSIEVE_KRONECKER_LAYER 80

/**
 * Bytes of the detector's memory beside its numbers: GRADSIEVE_MAHALANOBIS_SIZE.
 */
#define GRADSIEVE_MAHALANOBIS_FIXED 1328

/**
 * Bytes of the detector at rest beside its numbers: GRADSIEVE_MAHALANOBIS_AT_REST.
 */
#define GRADSIEVE_MAHALANOBIS_AT_REST_FIXED 1200

/**
 * Bytes by which gradsieve_packet_peek knows a packet.
 */
#define GRADSIEVE_PACKET_HEADER 13

/**
 * Bytes of its memory.
 */
#define GRADSIEVE_PACKETS_SIZE 120

/**
 * Bytes of the detector's memory beside its numbers: GRADSIEVE_SELF_INFLUENCE_SIZE.
 */
#define GRADSIEVE_SELF_INFLUENCE_FIXED 1328

/**
 * Bytes of the detector at rest beside its numbers: GRADSIEVE_SELF_INFLUENCE_AT_REST.
 */
#define GRADSIEVE_SELF_INFLUENCE_AT_REST_FIXED 1200

/**
 * The gradient's length does not suit the loss, or the others' lengths.
 */
#define GRADSIEVE_REASON_LENGTH 1

/**
 * The gradient points away from the others of its group.
 */
#define GRADSIEVE_REASON_DIRECTION 2

/**
 * The loss is large.
 */
#define GRADSIEVE_REASON_LOSS 4

/**
 * The gradient lies on unusually few or many coordinates.
 */
#define GRADSIEVE_REASON_SHAPE 8

/**
 * The gradient is too short.
 */
#define GRADSIEVE_REASON_SHORT 16

/**
 * The gradient is zero.
 */
#define GRADSIEVE_REASON_ZERO 32

/**
 * One of the last samples had nearly the same gradient.
 */
#define GRADSIEVE_REASON_DUPLICATE 64

/**
 * There is no room for the sample's group.
 */
#define GRADSIEVE_REASON_GROUP 128

/**
 * The gradient, the sketch or the loss has NaN or infinite numbers.
 */
#define GRADSIEVE_REASON_NON_FINITE 256

/**
 * Words of a verdict that are the library's own.
 */
#define GRADSIEVE_VERDICT_WORDS 14

/**
 * Bytes of a sieve's memory beside its numbers: GRADSIEVE_SIEVE_SIZE.
 */
#define GRADSIEVE_SIEVE_FIXED 2112

/**
 * Bytes of a sieve at rest beside its numbers: GRADSIEVE_SIEVE_AT_REST.
 */
#define GRADSIEVE_SIEVE_AT_REST_FIXED 1832

/**
 * Bytes of a sketcher's memory beside its numbers and parts.
 */
#define GRADSIEVE_SKETCHER_FIXED 960

/**
 * Bytes of a sketcher's memory a layer, where layers share the numbers out.
 */
#define GRADSIEVE_SKETCHER_PART 192

/**
 * The whole gradient as it is: the sketch is the gradient.
 */
#define GRADSIEVE_PROJECTION_EXACT 0

/**
 * Sparse Johnson-Lindenstrauss transform: the default. Widths are multiples of 32.
 */
#define GRADSIEVE_PROJECTION_SJLT 1

/**
 * Dense signs, made on the fly: the least variance, and the most time. Widths are
 * multiples of 16.
 */
#define GRADSIEVE_PROJECTION_RADEMACHER 2

/**
 * Dense normal numbers, made on the fly. Widths are multiples of 32.
 */
#define GRADSIEVE_PROJECTION_GAUSSIAN 3

/**
 * Signs, a Hadamard transform by blocks of 1,024 coordinates, and an SJLT.
 */
#define GRADSIEVE_PROJECTION_SRHT 4

/**
 * Most blocks of 32 coordinates dropped, the rest through an SJLT.
 */
#define GRADSIEVE_PROJECTION_MASK 5

/**
 * Both factors of the largest layer projected; the other layers through an SJLT or as
 * they are.
 */
#define GRADSIEVE_PROJECTION_LOGRA 6

/**
 * Some entries of both factors of the largest layer kept, and an SJLT of their product;
 * the other layers through an SJLT or as they are.
 */
#define GRADSIEVE_PROJECTION_FACTGRASS 7

/**
 * An equal share of the numbers for each layer.
 */
#define GRADSIEVE_PROJECTION_LAYERS 8

/**
 * Both factors of each layer folded by hashed signs.
 */
#define GRADSIEVE_PROJECTION_KRONECKER 9

/**
 * The factors of GRADSIEVE_PROJECTION_LOGRA go through signs: widths are multiples of
 * 16.
 */
#define GRADSIEVE_FACTOR_RADEMACHER 0

/**
 * The factors of GRADSIEVE_PROJECTION_LOGRA go through normal numbers: widths are
 * multiples of 32.
 */
#define GRADSIEVE_FACTOR_GAUSSIAN 1

/**
 * Bytes of a store's memory beside its rows: GRADSIEVE_STORE_SIZE.
 */
#define GRADSIEVE_STORE_FIXED 160

/**
 * Bytes of a target's memory beside its numbers: GRADSIEVE_TARGET_SIZE.
 */
#define GRADSIEVE_TARGET_FIXED 136

/**
 * Bytes of its memory beside its entries: GRADSIEVE_TOP_K_SIZE.
 */
#define GRADSIEVE_TOP_K_FIXED 64

/**
 * What a call returns: GRADSIEVE_STATUS_OK, or why it was refused. A refused call has
 * changed nothing but what its own text names. The numbers stay as they are.
 */
enum gradsieve_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Done.
     */
    GRADSIEVE_STATUS_OK = 0,
    /**
     * An address is NULL that must not be.
     */
    GRADSIEVE_STATUS_NULL_POINTER = 1,
    /**
     * An address is not a multiple of what its type needs.
     */
    GRADSIEVE_STATUS_MISALIGNED = 2,
    /**
     * The memory for a state is too small. Bytes: expected, found.
     */
    GRADSIEVE_STATUS_MEMORY = 3,
    /**
     * The memory holds no state: it was never initialised, or what was in it is
     * overwritten.
     */
    GRADSIEVE_STATUS_NO_STATE = 4,
    /**
     * The memory holds a state of another kind.
     */
    GRADSIEVE_STATUS_OTHER_KIND = 5,
    /**
     * The state was copied or moved to other memory. States travel as bytes.
     */
    GRADSIEVE_STATUS_MOVED = 6,
    /**
     * Two arguments lie in the same memory.
     */
    GRADSIEVE_STATUS_OVERLAP = 7,
    /**
     * An error of the core that this version of the header has no number for.
     */
    GRADSIEVE_STATUS_OTHER = 8,
    /**
     * An array has another length than the call needs. Elements: expected, found.
     */
    GRADSIEVE_STATUS_LENGTH = 16,
    /**
     * A sketch width is not a positive multiple of what the projection needs, or too
     * large for it. Expected: what it must be a multiple of. Found: the width.
     */
    GRADSIEVE_STATUS_WIDTH = 17,
    /**
     * A layer is empty, overlaps the one before it, stands out of order, or ends beyond
     * 64 bits. Found: its index.
     */
    GRADSIEVE_STATUS_LAYER = 18,
    /**
     * A segment reaches beyond the layout. One past the last coordinate: expected,
     * found.
     */
    GRADSIEVE_STATUS_OUTSIDE_LAYOUT = 19,
    /**
     * A gradient was finished before all of its coordinates had arrived, or after some
     * had arrived twice. Coordinates: expected, found.
     */
    GRADSIEVE_STATUS_INCOMPLETE = 20,
    /**
     * Two sketches, states or stores do not belong together. Name: in what they differ.
     */
    GRADSIEVE_STATUS_MISMATCH = 21,
    /**
     * A layer, and what was given for it, disagree. Found: the layer's index.
     */
    GRADSIEVE_STATUS_LAYER_MISMATCH = 22,
    /**
     * NaN or infinite numbers.
     */
    GRADSIEVE_STATUS_NON_FINITE = 23,
    /**
     * The measure was not taken: the gradient of a sequence was never formed.
     */
    GRADSIEVE_STATUS_NOT_MEASURED = 24,
    /**
     * Fewer observations than are needed: expected, found.
     */
    GRADSIEVE_STATUS_TOO_FEW = 25,
    /**
     * A group is not below the number of groups: expected, found.
     */
    GRADSIEVE_STATUS_GROUP = 26,
    /**
     * A matrix is not positive definite: a larger damping or shrinkage is needed.
     */
    GRADSIEVE_STATUS_NOT_POSITIVE_DEFINITE = 27,
    /**
     * A matrix is so ill-conditioned that solutions would be rounding: a larger damping
     * or shrinkage is needed. Found: the decimal logarithm of its condition number.
     */
    GRADSIEVE_STATUS_ILL_CONDITIONED = 28,
    /**
     * A system of equations was not solved.
     */
    GRADSIEVE_STATUS_NOT_SOLVED = 29,
    /**
     * An answer is finite, but too large or too small for its format. Name: the answer.
     */
    GRADSIEVE_STATUS_RANGE = 30,
    /**
     * A detector was asked for a score before it was fitted.
     */
    GRADSIEVE_STATUS_NOT_FITTED = 31,
    /**
     * A setting is out of its range. Name, and what is wanted.
     */
    GRADSIEVE_STATUS_SETTING = 32,
    /**
     * There is no room for more. Expected: how many there is room for.
     */
    GRADSIEVE_STATUS_FULL = 33,
    /**
     * A run is unstable. Found: steps before its last.
     */
    GRADSIEVE_STATUS_UNSTABLE = 34,
    /**
     * A row's number is not below the number of rows: expected, found.
     */
    GRADSIEVE_STATUS_ROW = 35,
    /**
     * A sample's id is not among those of the state. Expected: one past the highest.
     */
    GRADSIEVE_STATUS_ID = 36,
    /**
     * A pass over the rows must be ended first.
     */
    GRADSIEVE_STATUS_IN_PASS = 37,
    /**
     * An iteration diverges.
     */
    GRADSIEVE_STATUS_DIVERGED = 38,
    /**
     * The bytes do not begin as those of a state.
     */
    GRADSIEVE_STATUS_MAGIC = 39,
    /**
     * The bytes are of a version of the format that is not known. Found: the version.
     */
    GRADSIEVE_STATUS_VERSION = 40,
    /**
     * The bytes end before the state does. Bytes: expected, found.
     */
    GRADSIEVE_STATUS_TRUNCATED = 41,
    /**
     * The bytes or words are not those that were written.
     */
    GRADSIEVE_STATUS_CORRUPT = 42,
    /**
     * A gradient was finished with as many coordinates as it has, but some had arrived
     * twice, or belong to no layer, in the place of others. It is to be abandoned.
     */
    GRADSIEVE_STATUS_TWICE = 43,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum gradsieve_status gradsieve_status;
#else
typedef int32_t gradsieve_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a stream may raise while it is observed.
 */
enum gradsieve_alarm
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * None.
     */
    GRADSIEVE_ALARM_NONE = 0,
    /**
     * The stream is no longer what it was.
     */
    GRADSIEVE_ALARM_CHANGE = 1,
    /**
     * So many were flagged that the sieve learns them again.
     */
    GRADSIEVE_ALARM_FLOOD = 2,
    /**
     * One that this version of the header has no number for.
     */
    GRADSIEVE_ALARM_OTHER = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum gradsieve_alarm gradsieve_alarm;
#else
typedef int32_t gradsieve_alarm;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Whether a sieve can be relied on.
 */
enum gradsieve_health
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * As it should be.
     */
    GRADSIEVE_HEALTH_READY = 0,
    /**
     * Too few samples to flag any.
     */
    GRADSIEVE_HEALTH_WARMING_UP = 1,
    /**
     * What was learnt has been forgotten.
     */
    GRADSIEVE_HEALTH_STALE = 2,
    /**
     * Counts have come to their end.
     */
    GRADSIEVE_HEALTH_SATURATED = 3,
    /**
     * One that this version of the header has no number for.
     */
    GRADSIEVE_HEALTH_OTHER = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum gradsieve_health gradsieve_health;
#else
typedef int32_t gradsieve_health;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Scores how far a sketch points away from those of its group that were observed. It
 * lives in memory of gradsieve_direction_size bytes. It decides nothing: for decisions
 * in a stream there is the sieve.
 */
typedef struct gradsieve_direction gradsieve_direction;

/**
 * The sketcher for small cores and small networks of linear layers, of the projection
 * KRONECKER alone: some hundreds of instructions a layer, and a program that calls it
 * links nothing of the other projections. It lives in memory of gradsieve_kronecker_size
 * bytes and has no bytes at rest: key and layers make it anew.
 *
 * Its sketches are those of Kronecker::for_layers in Rust. A gradsieve_sketcher of
 * GRADSIEVE_PROJECTION_KRONECKER has the same numbers and another id.
 */
typedef struct gradsieve_kronecker gradsieve_kronecker;

/**
 * Scores sketches by their squared Mahalanobis distance from the mean of those observed.
 * It lives in memory of gradsieve_mahalanobis_size bytes, which grow with the square of
 * K, and decides nothing: for decisions in a stream there is the sieve.
 */
typedef struct gradsieve_mahalanobis gradsieve_mahalanobis;

/**
 * Writes and reads the packets of one kind of sketch, which sender and receiver agree on
 * beforehand: a packet names it by a fingerprint of eight bytes alone. It lives in
 * memory of GRADSIEVE_PACKETS_SIZE bytes.
 *
 * The checksum and the fingerprint find accidents; neither proves who has sent a packet.
 */
typedef struct gradsieve_packets gradsieve_packets;

/**
 * Scores sketches by their self-influence gᵀ(G + λI)⁻¹g on the second moment of those
 * observed. It lives in memory of gradsieve_self_influence_size bytes, which grow with
 * the square of K, and decides nothing: for decisions in a stream there is the sieve.
 */
typedef struct gradsieve_self_influence gradsieve_self_influence;

/**
 * In-run data Shapley values: what each of n training samples did for a target during
 * the run itself. It lives in memory of gradsieve_shapley_size bytes.
 */
typedef struct gradsieve_shapley gradsieve_shapley;

/**
 * Judges a stream of sketches: is this sample, by what came before it, to be left out?
 * It lives in memory of gradsieve_sieve_size bytes.
 *
 * Functions that take it as const may be called by several threads at a time; the others
 * by one while no other uses it.
 */
typedef struct gradsieve_sieve gradsieve_sieve;

/**
 * Takes gradients in, segment by segment, and yields the sketch and the exact measures
 * of each in one pass. Initialised once and used for every sample. It lives in memory of
 * gradsieve_sketcher_size bytes and has no bytes at rest: settings and layers make it
 * anew.
 */
typedef struct gradsieve_sketcher gradsieve_sketcher;

/**
 * Rows of sketches of one kind, each with its sample's id, its group and the exact
 * measures of its gradient. It lives in memory of gradsieve_store_size bytes.
 */
typedef struct gradsieve_store gradsieve_store;

/**
 * What the rows of stores are scored against: the sketch of a validation sample, or of
 * the mean of some, packed once for a codec. It lives in memory of gradsieve_target_size
 * bytes.
 */
typedef struct gradsieve_target gradsieve_target;

/**
 * The k largest scores of a stream: larger first, lower id first among equals, whatever
 * the order of arrival. (For the smallest, push what is negative.) It lives in memory of
 * gradsieve_top_k_size bytes.
 */
typedef struct gradsieve_top_k gradsieve_top_k;

/**
 * What the detector keeps apart, and what it forgets. Begin with
 * gradsieve_direction_settings_default.
 */
typedef struct gradsieve_direction_settings {
    /**
     * K: numbers a sketch.
     */
    size_t width;
    /**
     * Groups (classes, sensors, clients): from 0 to below this.
     */
    uint32_t groups;
    /**
     * Samples after which what was learnt counts half; 0: it counts for ever. Default:
     * 0.
     */
    uint32_t half_life;
    /**
     * What one gradient adds at most, in medians of their norms; 0: no limit. Default:
     * 8.
     */
    float clip;
} gradsieve_direction_settings;

/**
 * What there is to know of a refusal, beside its status. Every function that can refuse
 * takes the address of one as its last argument, which may be NULL. It is written if the
 * call is refused, and left alone otherwise.
 *
 * The strings are static and not ended by a zero: printf("%.*s", (int)error.name_length,
 * error.name). Where a status has no such thing they are empty, and numbers are 0.
 */
typedef struct gradsieve_error {
    /**
     * What was expected, in the unit that the status names.
     */
    uint64_t expected;
    /**
     * What was found.
     */
    uint64_t found;
    /**
     * The setting, the answer, or in what two things differ. Never NULL.
     */
    const char *name;
    /**
     * Bytes of the name.
     */
    size_t name_length;
    /**
     * What the setting is expected to be. Never NULL.
     */
    const char *wanted;
    /**
     * Bytes of it.
     */
    size_t wanted_length;
    /**
     * What the call returned.
     */
    gradsieve_status status;
} gradsieve_error;

/**
 * What a sketch is labelled with, beside its width. Two sketches can be compared, stored
 * or merged only if their labels are the same.
 */
typedef struct gradsieve_sketch_id {
    /**
     * The fingerprint of the key: the seed, where it is public.
     */
    uint64_t key;
    /**
     * All else that the projection was set to, or a hash of it.
     */
    uint64_t settings;
    /**
     * A hash of the layout.
     */
    uint64_t layout;
    /**
     * Which projection: one of GRADSIEVE_PROJECTION_….
     */
    uint32_t projection;
    /**
     * Places that each coordinate goes to: 1, 2 or 4.
     */
    uint16_t repeat;
    /**
     * Whether the key is secret: 0 or 1.
     */
    uint16_t is_secret;
} gradsieve_sketch_id;

/**
 * Exact measures of a gradient (not of its sketch).
 */
typedef struct gradsieve_measures {
    /**
     * Sum of magnitudes. NaN where it was not taken (sequences).
     */
    double l1;
    /**
     * Sum of squares.
     */
    double l2_squared;
    /**
     * Entries that are NaN or infinite.
     */
    uint64_t non_finite;
    /**
     * Entries.
     */
    uint64_t count;
    /**
     * Largest magnitude. NaN where it was not taken (sequences).
     */
    float max;
} gradsieve_measures;

/**
 * A finished sketch: K numbers, and what is known of the sample that they are of. It can
 * be copied; the numbers stay where they are.
 *
 * Set group, loss and has_loss after gradsieve_sketcher_finish, which leaves them at 0.
 */
typedef struct gradsieve_sketch {
    /**
     * Projection and layout.
     */
    struct gradsieve_sketch_id id;
    /**
     * Of the gradient.
     */
    struct gradsieve_measures measures;
    /**
     * K numbers: in the memory of the sketcher, until its next call, or wherever a row
     * was read back to.
     */
    const float *values;
    /**
     * K.
     */
    size_t width;
    /**
     * The class, sensor or client of the sample; 0 where there is none.
     */
    uint32_t group;
    /**
     * The sample's loss; read only if has_loss is not 0.
     */
    float loss;
    /**
     * Whether there is a loss: 0 or 1.
     */
    uint8_t has_loss;
} gradsieve_sketch;

/**
 * What a projection is drawn by. Who knows it can make gradients that the sketch does
 * not see: where samples may be hostile it must be secret and random.
 */
typedef struct gradsieve_key {
    /**
     * A public seed; read if is_secret is 0.
     */
    uint64_t seed;
    /**
     * 128 random bits; read if is_secret is not 0.
     */
    uint8_t secret[16];
    /**
     * Whether the key is secret: 0 or 1.
     */
    uint8_t is_secret;
} gradsieve_key;

/**
 * One layer's place in the gradient: a row-major matrix of outputs × inputs entries from
 * coordinate offset on. A bias, or any parameter that is no matrix, has one input.
 *
 * The coordinates of a gradient are numbered over the whole model.
 */
typedef struct gradsieve_layer {
    /**
     * The coordinate of its first entry.
     */
    uint64_t offset;
    /**
     * Rows: the layer's output width.
     */
    uint64_t outputs;
    /**
     * Columns: the layer's input width.
     */
    uint64_t inputs;
} gradsieve_layer;

/**
 * What the detector measures by, and what it forgets. Begin with
 * gradsieve_mahalanobis_settings_default.
 */
typedef struct gradsieve_mahalanobis_settings {
    /**
     * K: numbers a sketch.
     */
    size_t width;
    /**
     * How far the covariance is shrunk towards a multiple of the identity: above 0, and
     * at most 1. Default: 0.1.
     */
    float shrinkage;
    /**
     * What one gradient adds at most, in medians of their norms; 0: no limit. Default:
     * 8.
     */
    float clip;
    /**
     * Samples after which what was observed counts half; 0: it counts for ever.
     * Default: 0.
     */
    uint32_t half_life;
} gradsieve_mahalanobis_settings;

/**
 * What is sent of a sketch, beside its norm, its group and its loss.
 */
typedef struct gradsieve_packet_settings {
    /**
     * How the numbers are rounded: one of GRADSIEVE_CODEC_….
     */
    uint32_t codec;
    /**
     * Whether the L1 norm goes along, by which a sieve sees a gradient that lies on too
     * few or too many coordinates: 0 or 1.
     */
    uint8_t l1;
    /**
     * Whether the largest magnitude goes along: 0 or 1.
     */
    uint8_t max;
} gradsieve_packet_settings;

/**
 * What the front of a packet says, which is not checked yet: how long it is, and whether
 * it is worth the rest.
 */
typedef struct gradsieve_packet_header {
    /**
     * What it is a sketch of: gradsieve_packets_fingerprint.
     */
    uint64_t fingerprint;
    /**
     * K.
     */
    size_t width;
    /**
     * Bytes of all.
     */
    size_t length;
    /**
     * How the numbers were rounded: one of GRADSIEVE_CODEC_….
     */
    uint32_t codec;
} gradsieve_packet_header;

/**
 * What the detector measures by, and what it forgets. Begin with
 * gradsieve_self_influence_settings_default.
 */
typedef struct gradsieve_self_influence_settings {
    /**
     * K: numbers a sketch.
     */
    size_t width;
    /**
     * What is added to the second moment, in its mean eigenvalues: above 0. Default:
     * 0.1.
     */
    float damping;
    /**
     * What one gradient adds at most, in medians of their norms; 0: no limit. Default:
     * 8.
     */
    float clip;
    /**
     * Samples after which what was observed counts half; 0: it counts for ever.
     * Default: 0.
     */
    uint32_t half_life;
} gradsieve_self_influence_settings;

/**
 * What a sieve keeps apart, at which rate it flags, and what it forgets. Begin with
 * gradsieve_sieve_settings_default.
 */
typedef struct gradsieve_sieve_settings {
    /**
     * K: numbers a sketch.
     */
    size_t width;
    /**
     * Groups (classes, sensors, clients): from 0 to below this. Default: 1.
     */
    uint32_t groups;
    /**
     * Samples after which what was learnt counts half; 0: it counts for ever. Default:
     * 0.
     */
    uint32_t half_life;
    /**
     * The share of ordinary samples that is flagged, or of false ones among those
     * flagged: above 0 and below 1. Default: 0.01.
     */
    float rate;
    /**
     * How surely a change of the stream is one before it is told: above 0 and below 1.
     * Default: 0.01.
     */
    float change;
    /**
     * Samples among which near duplicates are looked for; 0: none. 8 bytes each.
     * Default: 64.
     */
    uint32_t duplicates;
    /**
     * Samples before any is flagged: at least 16. Default: 64.
     */
    uint32_t warm_up;
    /**
     * Whether groups have any ids, and groups is only how many there may be: 0 or 1.
     * Default: 0.
     */
    uint8_t groups_grow;
    /**
     * Whether rate is that of false discoveries, and not of false alarms: 0 or 1.
     * Default: 0.
     */
    uint8_t rate_of_discoveries;
    /**
     * Whether the loss is a squared error, and not a cross-entropy: 0 or 1. Default: 0.
     */
    uint8_t loss_is_squared;
    /**
     * Whether gradients of zero are looked for: 0 or 1. Default: 1.
     */
    uint8_t guard_zero;
    /**
     * Whether gradients are looked for that are too short: 0 or 1. Default: 1.
     */
    uint8_t guard_short;
    /**
     * Whether flagged samples are learnt all the same: 0 or 1. Default: 0.
     */
    uint8_t learn_flagged;
} gradsieve_sieve_settings;

/**
 * What a sieve says of a sample. It can be copied, and cross a queue.
 */
typedef struct gradsieve_verdict {
    /**
     * Of a clean stream about a share α has p ≤ α: a rank, from 0 to 1.
     */
    float p;
    /**
     * The score: larger is more anomalous.
     */
    float score;
    /**
     * What gradsieve_sieve_observe wants to know of the sample.
     */
    uint32_t words[GRADSIEVE_VERDICT_WORDS];
    /**
     * What stands out, flagged or not: a sum of GRADSIEVE_REASON_….
     */
    uint16_t reasons;
    /**
     * Whether the sample is to be left out: 0 or 1. A caller who knows better may change
     * it before the sample is observed.
     */
    uint8_t flagged;
} gradsieve_verdict;

/**
 * How many samples a sieve has observed.
 */
typedef struct gradsieve_sieve_counts {
    /**
     * Samples.
     */
    uint64_t seen;
    /**
     * Of them, flagged.
     */
    uint64_t flagged;
    /**
     * Of them, not finite.
     */
    uint64_t non_finite;
} gradsieve_sieve_counts;

/**
 * A projection with all that can be set of it. Begin with
 * gradsieve_sketcher_settings_default; what a projection does not have stays as it is
 * there.
 */
typedef struct gradsieve_sketcher_settings {
    /**
     * What it is drawn by. Default: the public seed 0.
     */
    struct gradsieve_key key;
    /**
     * K: numbers a sketch. Where layers share them out it is the most that there may be;
     * GRADSIEVE_PROJECTION_EXACT does not read it.
     */
    size_t width;
    /**
     * Widths of the factors of LOGRA, or entries of the factors that FACTGRASS keeps:
     * for the outputs and for the inputs. Default: both 0, which is the widest that fit,
     * and half of the entries.
     */
    size_t outputs_width;
    /**
     * The same for the inputs.
     */
    size_t inputs_width;
    /**
     * One of GRADSIEVE_PROJECTION_…. Default: SJLT.
     */
    uint32_t projection;
    /**
     * Places that each coordinate goes to, of SJLT, MASK and FACTGRASS: 1, 2 or 4.
     * Default: 1.
     */
    uint32_t repeat;
    /**
     * One block of 32 coordinates in so many is kept, of MASK: at most 65535. Default:
     * 8.
     */
    uint32_t every;
    /**
     * One of GRADSIEVE_FACTOR_…, of LOGRA. Default: RADEMACHER.
     */
    uint32_t factor;
} gradsieve_sketcher_settings;

/**
 * How many rows there is room for, and how they are stored.
 */
typedef struct gradsieve_store_settings {
    /**
     * K: numbers a row.
     */
    size_t width;
    /**
     * Rows that there is room for. Memory is taken by sixteen.
     */
    size_t rows;
    /**
     * How the numbers are stored: one of GRADSIEVE_CODEC_….
     */
    uint32_t codec;
} gradsieve_store_settings;

/**
 * A score and whose it is.
 */
typedef struct gradsieve_entry {
    /**
     * The sample.
     */
    uint64_t id;
    /**
     * Its score.
     */
    double score;
} gradsieve_entry;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Settings for so many groups, and sketches of that width.
 */
struct gradsieve_direction_settings gradsieve_direction_settings_default(uint32_t groups,
                                                                         size_t width);

/**
 * Bytes of the detector's memory. At compile time: GRADSIEVE_DIRECTION_SIZE.
 */
gradsieve_status gradsieve_direction_size(const struct gradsieve_direction_settings *settings,
                                          size_t *bytes,
                                          struct gradsieve_error *error);

/**
 * Initialises a detector that has observed nothing, in memory of the caller, which is
 * the detector's from then on.
 *
 * @param memory aligned as uint64_t is; what it holds is of no concern
 * @param size its bytes: at least gradsieve_direction_size
 * @param detector where its address goes: that of the memory
 *
 * Refuses memory, and settings out of their range.
 */
gradsieve_status gradsieve_direction_init(void *memory,
                                          size_t size,
                                          const struct gradsieve_direction_settings *settings,
                                          struct gradsieve_direction **detector,
                                          struct gradsieve_error *error);

/**
 * Learns a sketch. There is nothing to fit afterwards.
 *
 * Refuses a sketch of another width (GRADSIEVE_STATUS_LENGTH), of another projection or
 * layout (_MISMATCH), of no group (_GROUP), or that is not finite (_NON_FINITE).
 */
gradsieve_status gradsieve_direction_observe(struct gradsieve_direction *detector,
                                             const struct gradsieve_sketch *sketch,
                                             struct gradsieve_error *error);

/**
 * The score of a sketch: larger is more anomalous.
 *
 * Refuses as gradsieve_direction_observe.
 */
gradsieve_status gradsieve_direction_score(const struct gradsieve_direction *detector,
                                           const struct gradsieve_sketch *sketch,
                                           double *score,
                                           struct gradsieve_error *error);

/**
 * How many sketches were observed.
 */
gradsieve_status gradsieve_direction_count(const struct gradsieve_direction *detector,
                                           uint64_t *count,
                                           struct gradsieve_error *error);

/**
 * Forgets everything.
 */
gradsieve_status gradsieve_direction_reset(struct gradsieve_direction *detector,
                                           struct gradsieve_error *error);

/**
 * Takes in all that another detector of the same settings has learnt; the other stays as
 * it is. The bits are the same in any order of merging.
 *
 * Refuses other settings, sketches or clocks, and a detector with itself
 * (GRADSIEVE_STATUS_OVERLAP).
 */
gradsieve_status gradsieve_direction_merge(struct gradsieve_direction *detector,
                                           const struct gradsieve_direction *other,
                                           struct gradsieve_error *error);

/**
 * Bytes that gradsieve_direction_to_bytes writes.
 */
gradsieve_status gradsieve_direction_at_rest(const struct gradsieve_direction *detector,
                                             size_t *bytes,
                                             struct gradsieve_error *error);

/**
 * Writes the detector as bytes, which any machine reads.
 *
 * @param written how many it wrote
 *
 * Refuses an array that is too short (GRADSIEVE_STATUS_LENGTH); nothing was written
 * then.
 */
gradsieve_status gradsieve_direction_to_bytes(const struct gradsieve_direction *detector,
                                              uint8_t *bytes,
                                              size_t length,
                                              size_t *written,
                                              struct gradsieve_error *error);

/**
 * Replaces what the detector has learnt by what is in the bytes, which must be of the
 * same settings. It is as it was if they are refused.
 */
gradsieve_status gradsieve_direction_restore(struct gradsieve_direction *detector,
                                             const uint8_t *bytes,
                                             size_t length,
                                             struct gradsieve_error *error);

/**
 * The influence g·v of a training sample on a target, such as a validation sample, for
 * one step of learning rate 1. Positive is helpful. Summed over checkpoints, each times
 * its learning rate, it is TracIn.
 *
 * Refuses sketches of different projections or layouts (GRADSIEVE_STATUS_MISMATCH), and
 * those that are not finite (_NON_FINITE).
 */
gradsieve_status gradsieve_influence_dot(const struct gradsieve_sketch *train,
                                         const struct gradsieve_sketch *target,
                                         double *influence,
                                         struct gradsieve_error *error);

/**
 * Bytes of the memory for so many samples. At compile time: GRADSIEVE_SHAPLEY_SIZE.
 */
gradsieve_status gradsieve_shapley_size(size_t samples,
                                        size_t *bytes,
                                        struct gradsieve_error *error);

/**
 * Initialises values of 0 for so many samples, in memory of the caller, which is theirs
 * from then on.
 *
 * @param memory aligned as uint64_t is; what it holds is of no concern
 * @param size its bytes: at least gradsieve_shapley_size
 * @param shapley where its address goes: that of the memory
 */
gradsieve_status gradsieve_shapley_init(void *memory,
                                        size_t size,
                                        size_t samples,
                                        struct gradsieve_shapley **shapley,
                                        struct gradsieve_error *error);

/**
 * Adds one sample of a training step.
 *
 * @param learning_rate of a step θ ← θ − η·Σg; for a mean over a batch of B it is the
 *   learning rate divided by B
 * @param target the gradient of the validation loss, at the same parameters
 * @param curvature for second order: the Hessian of the validation loss times the sum of
 *   the batch's gradients, sketched like a gradient; NULL for first order
 * @param sample the sample's number, from 0
 * @param train the sample's gradient
 *
 * Refuses a number that is too large (GRADSIEVE_STATUS_LENGTH), sketches of different
 * projections or layouts (_MISMATCH), a learning rate that is not finite (_SETTING), and
 * other numbers that are not (_NON_FINITE).
 */
gradsieve_status gradsieve_shapley_observe(struct gradsieve_shapley *shapley,
                                           double learning_rate,
                                           const struct gradsieve_sketch *target,
                                           const struct gradsieve_sketch *curvature,
                                           size_t sample,
                                           const struct gradsieve_sketch *train,
                                           struct gradsieve_error *error);

/**
 * The value of one sample, in units of the loss: positive is helpful.
 *
 * Refuses a number that is too large (GRADSIEVE_STATUS_LENGTH).
 */
gradsieve_status gradsieve_shapley_score(const struct gradsieve_shapley *shapley,
                                         size_t sample,
                                         double *score,
                                         struct gradsieve_error *error);

/**
 * Sets all values to 0.
 */
gradsieve_status gradsieve_shapley_reset(struct gradsieve_shapley *shapley,
                                         struct gradsieve_error *error);

/**
 * Adds the values of another run or device with the same samples; the other stays as it
 * is.
 *
 * Refuses another number of samples (GRADSIEVE_STATUS_LENGTH), and values with
 * themselves (_OVERLAP).
 */
gradsieve_status gradsieve_shapley_merge(struct gradsieve_shapley *shapley,
                                         const struct gradsieve_shapley *other,
                                         struct gradsieve_error *error);

/**
 * Bytes that gradsieve_shapley_to_bytes writes.
 */
gradsieve_status gradsieve_shapley_at_rest(const struct gradsieve_shapley *shapley,
                                           size_t *bytes,
                                           struct gradsieve_error *error);

/**
 * Writes the values as bytes, which any machine reads.
 *
 * @param written how many it wrote
 *
 * Refuses an array that is too short (GRADSIEVE_STATUS_LENGTH); nothing was written
 * then.
 */
gradsieve_status gradsieve_shapley_to_bytes(const struct gradsieve_shapley *shapley,
                                            uint8_t *bytes,
                                            size_t length,
                                            size_t *written,
                                            struct gradsieve_error *error);

/**
 * Replaces the values by those in the bytes, which must be of as many samples. They are
 * as they were if the bytes are refused.
 */
gradsieve_status gradsieve_shapley_restore(struct gradsieve_shapley *shapley,
                                           const uint8_t *bytes,
                                           size_t length,
                                           struct gradsieve_error *error);

/**
 * Bytes of its memory, for sketches of so many numbers at most and so many layers. At
 * compile time: GRADSIEVE_KRONECKER_SIZE.
 */
gradsieve_status gradsieve_kronecker_size(size_t width,
                                          size_t layers,
                                          size_t *bytes,
                                          struct gradsieve_error *error);

/**
 * Initialises the sketcher of a network in memory of the caller, which is the sketcher's
 * from then on. The layers share the numbers out by themselves; neither they nor the key
 * are needed afterwards.
 *
 * @param memory aligned as uint64_t is; what it holds is of no concern
 * @param size its bytes: at least gradsieve_kronecker_size
 * @param width the most numbers that a sketch may have: at least as many as there are
 *   layers. How many it has says gradsieve_kronecker_id, and each sketch.
 * @param layers the network's layers, in rising order of offset; gaps are allowed. A
 *   bias is one more input of its layer
 * @param count how many they are: at most 64
 * @param kronecker where its address goes: that of the memory
 *
 * Refuses memory, widths (GRADSIEVE_STATUS_SETTING) and layers (_LAYER).
 */
gradsieve_status gradsieve_kronecker_init(void *memory,
                                          size_t size,
                                          const struct gradsieve_key *key,
                                          size_t width,
                                          const struct gradsieve_layer *layers,
                                          size_t count,
                                          struct gradsieve_kronecker **kronecker,
                                          struct gradsieve_error *error);

/**
 * K, and what its sketches are labelled with. Either may be NULL.
 */
gradsieve_status gradsieve_kronecker_id(const struct gradsieve_kronecker *kronecker,
                                        size_t *width,
                                        struct gradsieve_sketch_id *id,
                                        struct gradsieve_error *error);

/**
 * Takes in the coordinates offset … offset + length − 1 of a gradient, in any order of
 * segments. By factors (gradsieve_kronecker_outer_biased_f32) it is much cheaper.
 *
 * Refuses GRADSIEVE_STATUS_OUTSIDE_LAYOUT; nothing was taken in then.
 */
gradsieve_status gradsieve_kronecker_segment_f32(struct gradsieve_kronecker *kronecker,
                                                 uint64_t offset,
                                                 const float *x,
                                                 size_t length,
                                                 struct gradsieve_error *error);

/**
 * Takes in the weight gradient b·aᵀ of a linear layer, which is never multiplied out: a
 * is what went into the layer, b the loss gradient of what came out.
 *
 * @param a_length must be the layer's inputs
 * @param b_length must be the layer's outputs
 *
 * Refuses GRADSIEVE_STATUS_LENGTH, _OUTSIDE_LAYOUT, and _LAYER_MISMATCH of a layer that
 * the network does not have; nothing was taken in then.
 */
gradsieve_status gradsieve_kronecker_outer_f32(struct gradsieve_kronecker *kronecker,
                                               const struct gradsieve_layer *layer,
                                               const float *a,
                                               size_t a_length,
                                               const float *b,
                                               size_t b_length,
                                               struct gradsieve_error *error);

/**
 * As gradsieve_kronecker_outer_f32, of IEEE half-precision numbers by their bits.
 */
gradsieve_status gradsieve_kronecker_outer_f16(struct gradsieve_kronecker *kronecker,
                                               const struct gradsieve_layer *layer,
                                               const uint16_t *a,
                                               size_t a_length,
                                               const uint16_t *b,
                                               size_t b_length,
                                               struct gradsieve_error *error);

/**
 * As gradsieve_kronecker_outer_f32, of bfloat16 numbers by their bits.
 */
gradsieve_status gradsieve_kronecker_outer_bf16(struct gradsieve_kronecker *kronecker,
                                                const struct gradsieve_layer *layer,
                                                const uint16_t *a,
                                                size_t a_length,
                                                const uint16_t *b,
                                                size_t b_length,
                                                struct gradsieve_error *error);

/**
 * As gradsieve_kronecker_outer_f32 for a linear layer with its bias, which is the weight
 * of one more input, the last, that is always 1: the gradient b·(a, 1)ᵀ in one call.
 *
 * @param a_length one less than the layer's inputs
 * @param b_length must be the layer's outputs
 *
 * Refuses as gradsieve_kronecker_outer_f32.
 */
gradsieve_status gradsieve_kronecker_outer_biased_f32(struct gradsieve_kronecker *kronecker,
                                                      const struct gradsieve_layer *layer,
                                                      const float *a,
                                                      size_t a_length,
                                                      const float *b,
                                                      size_t b_length,
                                                      struct gradsieve_error *error);

/**
 * As gradsieve_kronecker_outer_biased_f32, of IEEE half-precision numbers by their bits.
 */
gradsieve_status gradsieve_kronecker_outer_biased_f16(struct gradsieve_kronecker *kronecker,
                                                      const struct gradsieve_layer *layer,
                                                      const uint16_t *a,
                                                      size_t a_length,
                                                      const uint16_t *b,
                                                      size_t b_length,
                                                      struct gradsieve_error *error);

/**
 * As gradsieve_kronecker_outer_biased_f32, of bfloat16 numbers by their bits.
 */
gradsieve_status gradsieve_kronecker_outer_biased_bf16(struct gradsieve_kronecker *kronecker,
                                                       const struct gradsieve_layer *layer,
                                                       const uint16_t *a,
                                                       size_t a_length,
                                                       const uint16_t *b,
                                                       size_t b_length,
                                                       struct gradsieve_error *error);

/**
 * Takes in the weight gradient Σ bₜ·aₜᵀ of a linear layer that was applied at several
 * positions (the steps of a recurrent network, the places of an image).
 *
 * The L1 norm and the maximum may be NaN afterwards, where the gradient is never formed.
 *
 * @param positions at least 1
 * @param a positions × inputs, by rows
 * @param b positions × outputs, by rows
 *
 * Refuses as gradsieve_kronecker_outer_f32; GRADSIEVE_STATUS_SETTING without positions.
 */
gradsieve_status gradsieve_kronecker_sequence_f32(struct gradsieve_kronecker *kronecker,
                                                  const struct gradsieve_layer *layer,
                                                  size_t positions,
                                                  const float *a,
                                                  size_t a_length,
                                                  const float *b,
                                                  size_t b_length,
                                                  struct gradsieve_error *error);

/**
 * Ends the gradient. The sketch's values stay in the sketcher's memory until its next
 * call. NaN and infinite entries are no refusal: they are counted.
 *
 * Refuses GRADSIEVE_STATUS_INCOMPLETE; what has arrived stays then, and the rest may
 * follow, or gradsieve_kronecker_abandon. Refuses GRADSIEVE_STATUS_TWICE if coordinates
 * came twice in the place of others; then only gradsieve_kronecker_abandon helps.
 */
gradsieve_status gradsieve_kronecker_finish(struct gradsieve_kronecker *kronecker,
                                            struct gradsieve_sketch *sketch,
                                            struct gradsieve_error *error);

/**
 * Forgets what has arrived of a gradient. The next call begins another.
 */
gradsieve_status gradsieve_kronecker_abandon(struct gradsieve_kronecker *kronecker,
                                             struct gradsieve_error *error);

/**
 * Settings for sketches of that width.
 */
struct gradsieve_mahalanobis_settings gradsieve_mahalanobis_settings_default(size_t width);

/**
 * Bytes of the detector's memory. At compile time: GRADSIEVE_MAHALANOBIS_SIZE.
 */
gradsieve_status gradsieve_mahalanobis_size(const struct gradsieve_mahalanobis_settings *settings,
                                            size_t *bytes,
                                            struct gradsieve_error *error);

/**
 * Initialises a detector that has observed nothing, in memory of the caller, which is
 * the detector's from then on.
 *
 * @param memory aligned as uint64_t is; what it holds is of no concern
 * @param size its bytes: at least gradsieve_mahalanobis_size
 * @param detector where its address goes: that of the memory
 *
 * Refuses memory, and settings out of their range.
 */
gradsieve_status gradsieve_mahalanobis_init(void *memory,
                                            size_t size,
                                            const struct gradsieve_mahalanobis_settings *settings,
                                            struct gradsieve_mahalanobis **detector,
                                            struct gradsieve_error *error);

/**
 * Takes a sketch in. Scores change with the next gradsieve_mahalanobis_fit.
 *
 * Refuses a sketch of another width (GRADSIEVE_STATUS_LENGTH), of another projection or
 * layout (_MISMATCH), or that is not finite (_NON_FINITE).
 */
gradsieve_status gradsieve_mahalanobis_observe(struct gradsieve_mahalanobis *detector,
                                               const struct gradsieve_sketch *sketch,
                                               struct gradsieve_error *error);

/**
 * Makes ready for scoring what was observed: some K³/3 steps. What is observed later
 * counts from the next call on.
 *
 * Refuses without observations (GRADSIEVE_STATUS_TOO_FEW), if all of them were zero or
 * the same (_NOT_POSITIVE_DEFINITE), and a shrinkage so small that scores would be
 * rounding (_ILL_CONDITIONED).
 */
gradsieve_status gradsieve_mahalanobis_fit(struct gradsieve_mahalanobis *detector,
                                           struct gradsieve_error *error);

/**
 * The score of a sketch as the detector was fitted: larger is more anomalous.
 *
 * @param scratch what the call works in, of the caller, so that several threads can
 *   score
 * @param length at least K
 *
 * Refuses as gradsieve_mahalanobis_observe, and before a fit
 * (GRADSIEVE_STATUS_NOT_FITTED).
 */
gradsieve_status gradsieve_mahalanobis_score(const struct gradsieve_mahalanobis *detector,
                                             const struct gradsieve_sketch *sketch,
                                             float *scratch,
                                             size_t length,
                                             double *score,
                                             struct gradsieve_error *error);

/**
 * How many sketches were observed.
 */
gradsieve_status gradsieve_mahalanobis_count(const struct gradsieve_mahalanobis *detector,
                                             uint64_t *count,
                                             struct gradsieve_error *error);

/**
 * Forgets everything.
 */
gradsieve_status gradsieve_mahalanobis_reset(struct gradsieve_mahalanobis *detector,
                                             struct gradsieve_error *error);

/**
 * Takes in all that another detector of the same settings has observed; the other stays
 * as it is, and so does what was fitted.
 *
 * Refuses other settings, sketches or clocks, and a detector with itself
 * (GRADSIEVE_STATUS_OVERLAP).
 */
gradsieve_status gradsieve_mahalanobis_merge(struct gradsieve_mahalanobis *detector,
                                             const struct gradsieve_mahalanobis *other,
                                             struct gradsieve_error *error);

/**
 * Bytes that gradsieve_mahalanobis_to_bytes writes.
 */
gradsieve_status gradsieve_mahalanobis_at_rest(const struct gradsieve_mahalanobis *detector,
                                               size_t *bytes,
                                               struct gradsieve_error *error);

/**
 * Writes the detector as bytes, which any machine reads.
 *
 * @param written how many it wrote
 *
 * Refuses an array that is too short (GRADSIEVE_STATUS_LENGTH); nothing was written
 * then.
 */
gradsieve_status gradsieve_mahalanobis_to_bytes(const struct gradsieve_mahalanobis *detector,
                                                uint8_t *bytes,
                                                size_t length,
                                                size_t *written,
                                                struct gradsieve_error *error);

/**
 * Replaces what the detector has observed by what is in the bytes, which must be of the
 * same settings. It is as it was if they are refused.
 */
gradsieve_status gradsieve_mahalanobis_restore(struct gradsieve_mahalanobis *detector,
                                               const uint8_t *bytes,
                                               size_t length,
                                               struct gradsieve_error *error);

/**
 * The settings of a detector at rest, so that one can be initialised that restores it.
 */
gradsieve_status gradsieve_mahalanobis_read_settings(const uint8_t *bytes,
                                                     size_t length,
                                                     struct gradsieve_mahalanobis_settings *settings,
                                                     struct gradsieve_error *error);

/**
 * Initialises the packets of sketches of that id and width (gradsieve_sketcher_id,
 * gradsieve_kronecker_id), in memory of the caller, which is theirs from then on.
 *
 * @param memory aligned as uint64_t is; what it holds is of no concern
 * @param size its bytes: at least GRADSIEVE_PACKETS_SIZE
 * @param layers the layers of the sketches' layout
 * @param packets where its address goes: that of the memory
 *
 * Refuses memory, layers (GRADSIEVE_STATUS_LAYER) or an id of others (_MISMATCH), and
 * widths above 65535 (_SETTING).
 */
gradsieve_status gradsieve_packets_init(void *memory,
                                        size_t size,
                                        const struct gradsieve_sketch_id *id,
                                        size_t width,
                                        const struct gradsieve_layer *layers,
                                        size_t count,
                                        struct gradsieve_packets **packets,
                                        struct gradsieve_error *error);

/**
 * 64 bits of what these are packets of: by them a receiver finds the packets of a
 * packet.
 */
gradsieve_status gradsieve_packets_fingerprint(const struct gradsieve_packets *packets,
                                               uint64_t *fingerprint,
                                               struct gradsieve_error *error);

/**
 * Bytes of a packet at most; one without a group (0) or without a loss has four fewer
 * for each. At compile time, of any settings: GRADSIEVE_PACKET_MOST.
 */
gradsieve_status gradsieve_packet_most(const struct gradsieve_packet_settings *settings,
                                       size_t width,
                                       size_t *bytes,
                                       struct gradsieve_error *error);

/**
 * Writes a sketch as a packet.
 *
 * @param written how many bytes it took
 *
 * Refuses a sketch of another kind (GRADSIEVE_STATUS_MISMATCH), one that is not finite
 * (_NON_FINITE), norms beyond float (_RANGE), and an array that is too short (_LENGTH);
 * nothing was written then.
 */
gradsieve_status gradsieve_packets_write(const struct gradsieve_packets *packets,
                                         const struct gradsieve_sketch *sketch,
                                         const struct gradsieve_packet_settings *settings,
                                         uint8_t *bytes,
                                         size_t length,
                                         size_t *written,
                                         struct gradsieve_error *error);

/**
 * Reads the packet at the front of the bytes; what follows it is not looked at.
 *
 * @param values where the sketch's numbers go, and stay
 * @param width how many there is room for: must be K
 * @param read how many bytes the packet took; may be NULL
 *
 * Refuses bytes that are no packet (GRADSIEVE_STATUS_MAGIC, _VERSION, _SETTING,
 * _TRUNCATED, _CORRUPT), one of other sketches (_MISMATCH), and another width (_LENGTH).
 * What values holds is then of no use.
 */
gradsieve_status gradsieve_packets_read(const struct gradsieve_packets *packets,
                                        const uint8_t *bytes,
                                        size_t length,
                                        float *values,
                                        size_t width,
                                        struct gradsieve_sketch *sketch,
                                        size_t *read,
                                        struct gradsieve_error *error);

/**
 * Reads the first GRADSIEVE_PACKET_HEADER bytes of a packet; more may follow.
 *
 * Refuses GRADSIEVE_STATUS_MAGIC, _VERSION, _SETTING and _TRUNCATED.
 */
gradsieve_status gradsieve_packet_peek(const uint8_t *bytes,
                                       size_t length,
                                       struct gradsieve_packet_header *header,
                                       struct gradsieve_error *error);

/**
 * Settings for sketches of that width.
 */
struct gradsieve_self_influence_settings gradsieve_self_influence_settings_default(size_t width);

/**
 * Bytes of the detector's memory. At compile time: GRADSIEVE_SELF_INFLUENCE_SIZE.
 */
gradsieve_status gradsieve_self_influence_size(const struct gradsieve_self_influence_settings *settings,
                                               size_t *bytes,
                                               struct gradsieve_error *error);

/**
 * Initialises a detector that has observed nothing, in memory of the caller, which is
 * the detector's from then on.
 *
 * @param memory aligned as uint64_t is; what it holds is of no concern
 * @param size its bytes: at least gradsieve_self_influence_size
 * @param detector where its address goes: that of the memory
 *
 * Refuses memory, and settings out of their range.
 */
gradsieve_status gradsieve_self_influence_init(void *memory,
                                               size_t size,
                                               const struct gradsieve_self_influence_settings *settings,
                                               struct gradsieve_self_influence **detector,
                                               struct gradsieve_error *error);

/**
 * Takes a sketch in. Scores change with the next gradsieve_self_influence_fit.
 *
 * Refuses a sketch of another width (GRADSIEVE_STATUS_LENGTH), of another projection or
 * layout (_MISMATCH), or that is not finite (_NON_FINITE).
 */
gradsieve_status gradsieve_self_influence_observe(struct gradsieve_self_influence *detector,
                                                  const struct gradsieve_sketch *sketch,
                                                  struct gradsieve_error *error);

/**
 * Makes ready for scoring what was observed: some K³/3 steps. What is observed later
 * counts from the next call on.
 *
 * Refuses without observations (GRADSIEVE_STATUS_TOO_FEW), if all of them were zero or
 * the same (_NOT_POSITIVE_DEFINITE), and a damping so small that scores would be
 * rounding (_ILL_CONDITIONED).
 */
gradsieve_status gradsieve_self_influence_fit(struct gradsieve_self_influence *detector,
                                              struct gradsieve_error *error);

/**
 * The score of a sketch as the detector was fitted: larger is more anomalous.
 *
 * @param scratch what the call works in, of the caller, so that several threads can
 *   score
 * @param length at least K
 *
 * Refuses as gradsieve_self_influence_observe, and before a fit
 * (GRADSIEVE_STATUS_NOT_FITTED).
 */
gradsieve_status gradsieve_self_influence_score(const struct gradsieve_self_influence *detector,
                                                const struct gradsieve_sketch *sketch,
                                                float *scratch,
                                                size_t length,
                                                double *score,
                                                struct gradsieve_error *error);

/**
 * How many sketches were observed.
 */
gradsieve_status gradsieve_self_influence_count(const struct gradsieve_self_influence *detector,
                                                uint64_t *count,
                                                struct gradsieve_error *error);

/**
 * Forgets everything.
 */
gradsieve_status gradsieve_self_influence_reset(struct gradsieve_self_influence *detector,
                                                struct gradsieve_error *error);

/**
 * Takes in all that another detector of the same settings has observed; the other stays
 * as it is, and so does what was fitted.
 *
 * Refuses other settings, sketches or clocks, and a detector with itself
 * (GRADSIEVE_STATUS_OVERLAP).
 */
gradsieve_status gradsieve_self_influence_merge(struct gradsieve_self_influence *detector,
                                                const struct gradsieve_self_influence *other,
                                                struct gradsieve_error *error);

/**
 * Bytes that gradsieve_self_influence_to_bytes writes.
 */
gradsieve_status gradsieve_self_influence_at_rest(const struct gradsieve_self_influence *detector,
                                                  size_t *bytes,
                                                  struct gradsieve_error *error);

/**
 * Writes the detector as bytes, which any machine reads.
 *
 * @param written how many it wrote
 *
 * Refuses an array that is too short (GRADSIEVE_STATUS_LENGTH); nothing was written
 * then.
 */
gradsieve_status gradsieve_self_influence_to_bytes(const struct gradsieve_self_influence *detector,
                                                   uint8_t *bytes,
                                                   size_t length,
                                                   size_t *written,
                                                   struct gradsieve_error *error);

/**
 * Replaces what the detector has observed by what is in the bytes, which must be of the
 * same settings. It is as it was if they are refused.
 */
gradsieve_status gradsieve_self_influence_restore(struct gradsieve_self_influence *detector,
                                                  const uint8_t *bytes,
                                                  size_t length,
                                                  struct gradsieve_error *error);

/**
 * The settings of a detector at rest, so that one can be initialised that restores it.
 */
gradsieve_status gradsieve_self_influence_read_settings(const uint8_t *bytes,
                                                        size_t length,
                                                        struct gradsieve_self_influence_settings *settings,
                                                        struct gradsieve_error *error);

/**
 * Settings for sketches of that width: one group, cross-entropy, false alarms of 0.01,
 * all guards, and nothing is forgotten.
 */
struct gradsieve_sieve_settings gradsieve_sieve_settings_default(size_t width);

/**
 * Bytes of a sieve's memory. At compile time: GRADSIEVE_SIEVE_SIZE, or
 * GRADSIEVE_SIEVE_GROWING_SIZE. Whether the settings are in order shows when a sieve is
 * initialised.
 */
gradsieve_status gradsieve_sieve_size(const struct gradsieve_sieve_settings *settings,
                                      size_t *bytes,
                                      struct gradsieve_error *error);

/**
 * Initialises a sieve that has observed nothing, in memory of the caller, which is the
 * sieve's from then on.
 *
 * @param memory aligned as uint64_t is; what it holds is of no concern
 * @param size its bytes: at least gradsieve_sieve_size
 * @param sieve where its address goes: that of the memory
 *
 * Refuses memory, and settings out of their range.
 */
gradsieve_status gradsieve_sieve_init(void *memory,
                                      size_t size,
                                      const struct gradsieve_sieve_settings *settings,
                                      struct gradsieve_sieve **sieve,
                                      struct gradsieve_error *error);

/**
 * What is to be left out, by what came before. The sieve stays as it is, so that several
 * samples, as of a batch, can be judged before they are observed.
 *
 * Refuses a sketch of another width (GRADSIEVE_STATUS_LENGTH), of another projection or
 * layout than those observed (_MISMATCH), or of no group (_GROUP). One that is not
 * finite is flagged, and no refusal.
 */
gradsieve_status gradsieve_sieve_judge(const struct gradsieve_sieve *sieve,
                                       const struct gradsieve_sketch *sketch,
                                       struct gradsieve_verdict *verdict,
                                       struct gradsieve_error *error);

/**
 * Takes in a sample that was judged, flagged or not, with the verdict on it.
 *
 * @param alarm whether the stream itself stands out; may be NULL
 *
 * Refuses as gradsieve_sieve_judge; GRADSIEVE_STATUS_CORRUPT of a verdict that is not
 * one of this library's.
 */
gradsieve_status gradsieve_sieve_observe(struct gradsieve_sieve *sieve,
                                         const struct gradsieve_sketch *sketch,
                                         const struct gradsieve_verdict *verdict,
                                         gradsieve_alarm *alarm,
                                         struct gradsieve_error *error);

/**
 * How many samples were observed.
 */
gradsieve_status gradsieve_sieve_count(const struct gradsieve_sieve *sieve,
                                       struct gradsieve_sieve_counts *counts,
                                       struct gradsieve_error *error);

/**
 * Whether the sieve can be relied on.
 */
gradsieve_status gradsieve_sieve_check_health(const struct gradsieve_sieve *sieve,
                                              gradsieve_health *health,
                                              struct gradsieve_error *error);

/**
 * Moves the clock on, as for samples that other devices saw: what was learnt counts less
 * then, and states whose clocks agree can be merged.
 */
gradsieve_status gradsieve_sieve_advance(struct gradsieve_sieve *sieve,
                                         uint64_t samples,
                                         struct gradsieve_error *error);

/**
 * Forgets everything.
 */
gradsieve_status gradsieve_sieve_reset(struct gradsieve_sieve *sieve,
                                       struct gradsieve_error *error);

/**
 * Takes in all that another sieve of the same settings has learnt; the other stays as it
 * is. States that forget nothing merge to the same bits in any order.
 *
 * Refuses other settings (GRADSIEVE_STATUS_SETTING), other sketches or clocks
 * (_MISMATCH), growing groups without room for both (_FULL), and a sieve with itself
 * (_OVERLAP).
 */
gradsieve_status gradsieve_sieve_merge(struct gradsieve_sieve *sieve,
                                       const struct gradsieve_sieve *other,
                                       struct gradsieve_error *error);

/**
 * Bytes that gradsieve_sieve_to_bytes writes. At compile time, and at most:
 * GRADSIEVE_SIEVE_AT_REST.
 */
gradsieve_status gradsieve_sieve_at_rest(const struct gradsieve_sieve *sieve,
                                         size_t *bytes,
                                         struct gradsieve_error *error);

/**
 * Writes the sieve as bytes, which any machine reads.
 *
 * @param written how many it wrote
 *
 * Refuses an array that is too short (GRADSIEVE_STATUS_LENGTH); nothing was written
 * then.
 */
gradsieve_status gradsieve_sieve_to_bytes(const struct gradsieve_sieve *sieve,
                                          uint8_t *bytes,
                                          size_t length,
                                          size_t *written,
                                          struct gradsieve_error *error);

/**
 * Replaces what the sieve has learnt by what is in the bytes, which must be of the same
 * settings.
 *
 * Refuses bytes that are no sieve's, altered, cut, or of other settings or sketches. The
 * sieve is as it was then.
 */
gradsieve_status gradsieve_sieve_restore(struct gradsieve_sieve *sieve,
                                         const uint8_t *bytes,
                                         size_t length,
                                         struct gradsieve_error *error);

/**
 * The settings of a sieve at rest, so that one can be initialised which restores it.
 */
gradsieve_status gradsieve_sieve_read_settings(const uint8_t *bytes,
                                               size_t length,
                                               struct gradsieve_sieve_settings *settings,
                                               struct gradsieve_error *error);

/**
 * The name of a reason: one word of English, ended by a zero, which is static. For a sum
 * of several it is that of the first; for 0 it is empty.
 */
const char *gradsieve_reason_name(uint16_t reasons);

/**
 * Ends the gradient. The sketch's values stay in the sketcher's memory until its next
 * call. NaN and infinite entries are no refusal: they are counted.
 *
 * Refuses GRADSIEVE_STATUS_INCOMPLETE; what has arrived stays then, and the rest may
 * follow, or gradsieve_sketcher_abandon. Refuses GRADSIEVE_STATUS_TWICE if coordinates
 * came twice in the place of others; then only gradsieve_sketcher_abandon helps.
 */
gradsieve_status gradsieve_sketcher_finish(struct gradsieve_sketcher *sketcher,
                                           struct gradsieve_sketch *sketch,
                                           struct gradsieve_error *error);

/**
 * Forgets what has arrived of a gradient. The next segment begins another.
 */
gradsieve_status gradsieve_sketcher_abandon(struct gradsieve_sketcher *sketcher,
                                            struct gradsieve_error *error);

/**
 * Takes in the weight gradient b·aᵀ of a linear layer, which is never multiplied out: a
 * is what went into the layer, b the loss gradient of what came out.
 *
 * @param a_length must be the layer's inputs
 * @param b_length must be the layer's outputs
 *
 * Refuses GRADSIEVE_STATUS_LENGTH, _OUTSIDE_LAYOUT, and _LAYER_MISMATCH if the
 * projection is made for other layers; nothing was taken in then.
 */
gradsieve_status gradsieve_sketcher_outer_f32(struct gradsieve_sketcher *sketcher,
                                              const struct gradsieve_layer *layer,
                                              const float *a,
                                              size_t a_length,
                                              const float *b,
                                              size_t b_length,
                                              struct gradsieve_error *error);

/**
 * As gradsieve_sketcher_outer_f32, of IEEE half-precision numbers by their bits.
 */
gradsieve_status gradsieve_sketcher_outer_f16(struct gradsieve_sketcher *sketcher,
                                              const struct gradsieve_layer *layer,
                                              const uint16_t *a,
                                              size_t a_length,
                                              const uint16_t *b,
                                              size_t b_length,
                                              struct gradsieve_error *error);

/**
 * As gradsieve_sketcher_outer_f32, of bfloat16 numbers by their bits.
 */
gradsieve_status gradsieve_sketcher_outer_bf16(struct gradsieve_sketcher *sketcher,
                                               const struct gradsieve_layer *layer,
                                               const uint16_t *a,
                                               size_t a_length,
                                               const uint16_t *b,
                                               size_t b_length,
                                               struct gradsieve_error *error);

/**
 * As gradsieve_sketcher_outer_f32 for a linear layer with its bias, which is the weight
 * of one more input, the last, that is always 1: the gradient b·(a, 1)ᵀ in one call.
 *
 * @param a_length one less than the layer's inputs
 * @param b_length must be the layer's outputs
 *
 * Refuses as gradsieve_sketcher_outer_f32.
 */
gradsieve_status gradsieve_sketcher_outer_biased_f32(struct gradsieve_sketcher *sketcher,
                                                     const struct gradsieve_layer *layer,
                                                     const float *a,
                                                     size_t a_length,
                                                     const float *b,
                                                     size_t b_length,
                                                     struct gradsieve_error *error);

/**
 * As gradsieve_sketcher_outer_biased_f32, of IEEE half-precision numbers by their bits.
 */
gradsieve_status gradsieve_sketcher_outer_biased_f16(struct gradsieve_sketcher *sketcher,
                                                     const struct gradsieve_layer *layer,
                                                     const uint16_t *a,
                                                     size_t a_length,
                                                     const uint16_t *b,
                                                     size_t b_length,
                                                     struct gradsieve_error *error);

/**
 * As gradsieve_sketcher_outer_biased_f32, of bfloat16 numbers by their bits.
 */
gradsieve_status gradsieve_sketcher_outer_biased_bf16(struct gradsieve_sketcher *sketcher,
                                                      const struct gradsieve_layer *layer,
                                                      const uint16_t *a,
                                                      size_t a_length,
                                                      const uint16_t *b,
                                                      size_t b_length,
                                                      struct gradsieve_error *error);

/**
 * Bytes of a sketcher's memory, for a model of these layers, in rising order of offset.
 * At compile time: GRADSIEVE_SKETCHER_SIZE, or GRADSIEVE_SKETCHER_LAYERS_SIZE for LOGRA,
 * FACTGRASS, LAYERS and KRONECKER.
 *
 * Refuses settings that the core does not have, and layers as
 * GRADSIEVE_STATUS_LAYER says.
 */
gradsieve_status gradsieve_sketcher_size(const struct gradsieve_sketcher_settings *settings,
                                         const struct gradsieve_layer *layers,
                                         size_t count,
                                         size_t *bytes,
                                         struct gradsieve_error *error);

/**
 * Initialises a sketcher of any projection in memory of the caller, which is the
 * sketcher's from then on. The layers are not needed afterwards.
 *
 * @param memory aligned as uint64_t is; what it holds is of no concern
 * @param size its bytes: at least gradsieve_sketcher_size
 * @param layers the model's layers, in rising order of offset; gaps are allowed
 * @param count how many they are
 * @param sketcher where its address goes: that of the memory
 *
 * Refuses memory, settings and layers by what is wrong with them.
 */
gradsieve_status gradsieve_sketcher_init(void *memory,
                                         size_t size,
                                         const struct gradsieve_sketcher_settings *settings,
                                         const struct gradsieve_layer *layers,
                                         size_t count,
                                         struct gradsieve_sketcher **sketcher,
                                         struct gradsieve_error *error);

/**
 * As gradsieve_sketcher_init for the projection SJLT alone, whose settings it takes: a
 * program that calls no other links nothing of the other projections.
 */
gradsieve_status gradsieve_sketcher_init_sjlt(void *memory,
                                              size_t size,
                                              const struct gradsieve_sketcher_settings *settings,
                                              const struct gradsieve_layer *layers,
                                              size_t count,
                                              struct gradsieve_sketcher **sketcher,
                                              struct gradsieve_error *error);

/**
 * K, and what its sketches are labelled with. Either may be NULL.
 */
gradsieve_status gradsieve_sketcher_id(const struct gradsieve_sketcher *sketcher,
                                       size_t *width,
                                       struct gradsieve_sketch_id *id,
                                       struct gradsieve_error *error);

/**
 * Takes in the coordinates offset … offset + length − 1 of a gradient, in any order of
 * segments. The first segment after gradsieve_sketcher_finish begins the next gradient.
 *
 * Refuses GRADSIEVE_STATUS_OUTSIDE_LAYOUT; nothing was taken in then.
 */
gradsieve_status gradsieve_sketcher_segment_f32(struct gradsieve_sketcher *sketcher,
                                                uint64_t offset,
                                                const float *x,
                                                size_t length,
                                                struct gradsieve_error *error);

/**
 * As gradsieve_sketcher_segment_f32, of IEEE half-precision numbers by their bits.
 */
gradsieve_status gradsieve_sketcher_segment_f16(struct gradsieve_sketcher *sketcher,
                                                uint64_t offset,
                                                const uint16_t *x,
                                                size_t length,
                                                struct gradsieve_error *error);

/**
 * As gradsieve_sketcher_segment_f32, of bfloat16 numbers by their bits.
 */
gradsieve_status gradsieve_sketcher_segment_bf16(struct gradsieve_sketcher *sketcher,
                                                 uint64_t offset,
                                                 const uint16_t *x,
                                                 size_t length,
                                                 struct gradsieve_error *error);

/**
 * Takes in the weight gradient Σ bₜ·aₜᵀ of a linear layer that was applied at several
 * positions (the steps of a recurrent network, the places of an image).
 *
 * The L1 norm and the maximum may be NaN afterwards, where a factored projection never
 * forms the gradient.
 *
 * @param positions at least 1
 * @param a positions × inputs, by rows
 * @param b positions × outputs, by rows
 *
 * Refuses as gradsieve_sketcher_outer_f32; GRADSIEVE_STATUS_SETTING without positions.
 */
gradsieve_status gradsieve_sketcher_sequence_f32(struct gradsieve_sketcher *sketcher,
                                                 const struct gradsieve_layer *layer,
                                                 size_t positions,
                                                 const float *a,
                                                 size_t a_length,
                                                 const float *b,
                                                 size_t b_length,
                                                 struct gradsieve_error *error);

/**
 * As gradsieve_sketcher_sequence_f32, of IEEE half-precision numbers by their bits.
 */
gradsieve_status gradsieve_sketcher_sequence_f16(struct gradsieve_sketcher *sketcher,
                                                 const struct gradsieve_layer *layer,
                                                 size_t positions,
                                                 const uint16_t *a,
                                                 size_t a_length,
                                                 const uint16_t *b,
                                                 size_t b_length,
                                                 struct gradsieve_error *error);

/**
 * As gradsieve_sketcher_sequence_f32, of bfloat16 numbers by their bits.
 */
gradsieve_status gradsieve_sketcher_sequence_bf16(struct gradsieve_sketcher *sketcher,
                                                  const struct gradsieve_layer *layer,
                                                  size_t positions,
                                                  const uint16_t *a,
                                                  size_t a_length,
                                                  const uint16_t *b,
                                                  size_t b_length,
                                                  struct gradsieve_error *error);

/**
 * An SJLT of the given width and public seed 0: what settings begin with.
 */
struct gradsieve_sketcher_settings gradsieve_sketcher_settings_default(size_t width);

/**
 * The status in words: one line of English, ended by a zero, which is static. For
 * numbers that are no status it says so.
 */
const char *gradsieve_status_text(int32_t status);

/**
 * Bytes of a store's memory. At compile time: GRADSIEVE_STORE_SIZE.
 *
 * Refuses a codec that is none (GRADSIEVE_STATUS_SETTING).
 */
gradsieve_status gradsieve_store_size(const struct gradsieve_store_settings *settings,
                                      size_t *bytes,
                                      struct gradsieve_error *error);

/**
 * Initialises a store without rows, in memory of the caller, which is the store's from
 * then on.
 *
 * @param memory aligned as uint64_t is, and best as a cache line is; what it holds is of
 *   no concern
 * @param size its bytes: at least gradsieve_store_size
 * @param store where its address goes: that of the memory
 *
 * Refuses memory, and settings out of their range.
 */
gradsieve_status gradsieve_store_init(void *memory,
                                      size_t size,
                                      const struct gradsieve_store_settings *settings,
                                      struct gradsieve_store **store,
                                      struct gradsieve_error *error);

/**
 * Adds a row: a sample's id, whatever it means to the caller, and its sketch, of which
 * the loss is not kept.
 *
 * Refuses a row too many (GRADSIEVE_STATUS_FULL), a sketch of another width (_LENGTH),
 * projection or layout (_MISMATCH), or one that is not finite (_NON_FINITE).
 */
gradsieve_status gradsieve_store_append(struct gradsieve_store *store,
                                        uint64_t id,
                                        const struct gradsieve_sketch *sketch,
                                        struct gradsieve_error *error);

/**
 * Puts a sample in the place of a row: of the oldest of a ring, say.
 *
 * Refuses a row that there is not (GRADSIEVE_STATUS_ROW), and sketches as
 * gradsieve_store_append.
 */
gradsieve_status gradsieve_store_replace(struct gradsieve_store *store,
                                         size_t row,
                                         uint64_t id,
                                         const struct gradsieve_sketch *sketch,
                                         struct gradsieve_error *error);

/**
 * How many rows there are.
 */
gradsieve_status gradsieve_store_count(const struct gradsieve_store *store,
                                       size_t *rows,
                                       struct gradsieve_error *error);

/**
 * Reads a row back: its numbers as the codec kept them, its measures as they were.
 *
 * @param values where the sketch's numbers go, and stay
 * @param width how many there is room for: must be K
 *
 * Refuses a row that there is not (GRADSIEVE_STATUS_ROW), and another width (_LENGTH).
 */
gradsieve_status gradsieve_store_get(const struct gradsieve_store *store,
                                     size_t row,
                                     float *values,
                                     size_t width,
                                     uint64_t *id,
                                     struct gradsieve_sketch *sketch,
                                     struct gradsieve_error *error);

/**
 * The influence ⟨row, target⟩ of each row on a target, row by row.
 *
 * @param scores as many as there are rows
 *
 * Refuses a target of another codec, projection or layout (GRADSIEVE_STATUS_MISMATCH),
 * and another number of scores (_LENGTH); nothing was written then.
 * GRADSIEVE_STATUS_RANGE if one is beyond float: it is infinite, and the others are
 * written.
 */
gradsieve_status gradsieve_store_score(const struct gradsieve_store *store,
                                       const struct gradsieve_target *target,
                                       float *scores,
                                       size_t length,
                                       struct gradsieve_error *error);

/**
 * Pushes each row's score to the k largest, some rows at a time, so that not all scores
 * need to be in memory.
 *
 * @param scratch scores of some rows: at least 16
 * @param left_out how many scores were left out as they are beyond float; may be NULL
 *
 * Refuses as gradsieve_store_score; nothing was pushed then.
 */
gradsieve_status gradsieve_store_top(const struct gradsieve_store *store,
                                     const struct gradsieve_target *target,
                                     float *scratch,
                                     size_t length,
                                     struct gradsieve_top_k *top_k,
                                     size_t *left_out,
                                     struct gradsieve_error *error);

/**
 * Forgets all rows.
 */
gradsieve_status gradsieve_store_reset(struct gradsieve_store *store,
                                       struct gradsieve_error *error);

/**
 * Adds all rows of another store of the same width and codec, bit for bit; the other
 * stays as it is.
 *
 * Refuses more rows than there is room for (GRADSIEVE_STATUS_FULL), other sketches,
 * codecs or widths (_MISMATCH), and a store with itself (_OVERLAP).
 */
gradsieve_status gradsieve_store_merge(struct gradsieve_store *store,
                                       const struct gradsieve_store *other,
                                       struct gradsieve_error *error);

/**
 * Bytes that gradsieve_store_to_bytes writes.
 */
gradsieve_status gradsieve_store_at_rest(const struct gradsieve_store *store,
                                         size_t *bytes,
                                         struct gradsieve_error *error);

/**
 * Writes the rows as bytes, which any machine reads.
 *
 * @param written how many it wrote
 *
 * Refuses an array that is too short (GRADSIEVE_STATUS_LENGTH); nothing was written
 * then.
 */
gradsieve_status gradsieve_store_to_bytes(const struct gradsieve_store *store,
                                          uint8_t *bytes,
                                          size_t length,
                                          size_t *written,
                                          struct gradsieve_error *error);

/**
 * Replaces the rows by those in the bytes, which must be of the same settings. They stay
 * as they were if the bytes are refused.
 */
gradsieve_status gradsieve_store_restore(struct gradsieve_store *store,
                                         const uint8_t *bytes,
                                         size_t length,
                                         struct gradsieve_error *error);

/**
 * Bytes of a target's memory, against rows of that codec and width. At compile time:
 * GRADSIEVE_TARGET_SIZE.
 *
 * Refuses a codec that is none (GRADSIEVE_STATUS_SETTING).
 */
gradsieve_status gradsieve_target_size(uint32_t codec,
                                       size_t width,
                                       size_t *bytes,
                                       struct gradsieve_error *error);

/**
 * Initialises a target that is not set yet, in memory of the caller, which is the
 * target's from then on.
 *
 * @param memory aligned as uint64_t is; what it holds is of no concern
 * @param size its bytes: at least gradsieve_target_size
 * @param target where its address goes: that of the memory
 *
 * Refuses memory, and settings out of their range.
 */
gradsieve_status gradsieve_target_init(void *memory,
                                       size_t size,
                                       uint32_t codec,
                                       size_t width,
                                       struct gradsieve_target **target,
                                       struct gradsieve_error *error);

/**
 * Sets the target, in the place of one before: a sketch, or any K numbers of the same
 * id.
 *
 * Refuses another width (GRADSIEVE_STATUS_MISMATCH), and numbers that are not finite
 * (_NON_FINITE); the target is as it was then.
 */
gradsieve_status gradsieve_target_set(struct gradsieve_target *target,
                                      const struct gradsieve_sketch *sketch,
                                      struct gradsieve_error *error);

/**
 * Bytes of the memory for k entries. At compile time: GRADSIEVE_TOP_K_SIZE.
 */
gradsieve_status gradsieve_top_k_size(size_t k, size_t *bytes, struct gradsieve_error *error);

/**
 * Initialises it without entries, in memory of the caller, which is its own from then
 * on.
 *
 * @param memory aligned as uint64_t is; what it holds is of no concern
 * @param size its bytes: at least gradsieve_top_k_size
 * @param top_k where its address goes: that of the memory
 */
gradsieve_status gradsieve_top_k_init(void *memory,
                                      size_t size,
                                      size_t k,
                                      struct gradsieve_top_k **top_k,
                                      struct gradsieve_error *error);

/**
 * Takes an entry in, if its score is among the k largest so far. An id that is pushed
 * twice is kept twice.
 *
 * Refuses a score that is NaN (GRADSIEVE_STATUS_NON_FINITE); infinite ones have their
 * place.
 */
gradsieve_status gradsieve_top_k_push(struct gradsieve_top_k *top_k,
                                      uint64_t id,
                                      double score,
                                      struct gradsieve_error *error);

/**
 * The entries kept, the largest first. Pushing may go on afterwards.
 *
 * @param entries where they go
 * @param length how many there is room for: k is always enough
 * @param count how many there are
 *
 * Refuses too little room (GRADSIEVE_STATUS_LENGTH); nothing was written then.
 */
gradsieve_status gradsieve_top_k_sorted(struct gradsieve_top_k *top_k,
                                        struct gradsieve_entry *entries,
                                        size_t length,
                                        size_t *count,
                                        struct gradsieve_error *error);

/**
 * Forgets everything.
 */
gradsieve_status gradsieve_top_k_reset(struct gradsieve_top_k *top_k,
                                       struct gradsieve_error *error);

/**
 * Takes in all that another keeps, which stays as it is: what is kept then are the k
 * largest of both streams, if the other keeps k or more itself.
 *
 * Refuses one with itself (GRADSIEVE_STATUS_OVERLAP).
 */
gradsieve_status gradsieve_top_k_merge(struct gradsieve_top_k *top_k,
                                       const struct gradsieve_top_k *other,
                                       struct gradsieve_error *error);

/**
 * Bytes that gradsieve_top_k_to_bytes writes.
 */
gradsieve_status gradsieve_top_k_at_rest(const struct gradsieve_top_k *top_k,
                                         size_t *bytes,
                                         struct gradsieve_error *error);

/**
 * Writes the entries as bytes, which any machine reads.
 *
 * @param written how many it wrote
 *
 * Refuses an array that is too short (GRADSIEVE_STATUS_LENGTH); nothing was written
 * then.
 */
gradsieve_status gradsieve_top_k_to_bytes(const struct gradsieve_top_k *top_k,
                                          uint8_t *bytes,
                                          size_t length,
                                          size_t *written,
                                          struct gradsieve_error *error);

/**
 * Replaces the entries by those in the bytes, which must be of the same k. They stay as
 * they were if the bytes are refused.
 */
gradsieve_status gradsieve_top_k_restore(struct gradsieve_top_k *top_k,
                                         const uint8_t *bytes,
                                         size_t length,
                                         struct gradsieve_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* GRADSIEVE_H */

/* SIZES AT COMPILE TIME, in bytes. They are at least what the ..._size functions say. */

/** Memory for a state: an array of so many bytes or a few more, aligned as it has to be. */
#define GRADSIEVE_MEMORY(name, bytes) uint64_t name[((size_t)(bytes) + 7) / 8]

/** A sketcher of the projections EXACT (width: all coordinates) to MASK. */
#define GRADSIEVE_SKETCHER_SIZE(width) \
    (GRADSIEVE_SKETCHER_FIXED + ((size_t)(width) + 1) / 2 * 8)

/** A sketcher of the projections that work layer by layer. */
#define GRADSIEVE_SKETCHER_LAYERS_SIZE(width, layers) \
    (GRADSIEVE_SKETCHER_SIZE(width) + (size_t)(layers) * GRADSIEVE_SKETCHER_PART)

/** A Kronecker sketcher of width numbers at most. */
#define GRADSIEVE_KRONECKER_SIZE(width, layers) \
    (GRADSIEVE_KRONECKER_FIXED + ((size_t)(width) + 1) / 2 * 8 + (size_t)(layers) * GRADSIEVE_KRONECKER_LAYER)

/** A sieve of fixed groups; duplicates: as in its settings. */
#define GRADSIEVE_SIEVE_SIZE(width, groups, duplicates) \
    (GRADSIEVE_SIEVE_FIXED + 8 * ((size_t)(groups) * ((size_t)(width) + 1) + (size_t)(duplicates)))

/** A sieve of growing groups. */
#define GRADSIEVE_SIEVE_GROWING_SIZE(width, groups, duplicates) \
    (GRADSIEVE_SIEVE_SIZE(width, groups, duplicates) + 8 * (size_t)(groups))

/** A sieve at rest, of groups of either kind. */
#define GRADSIEVE_SIEVE_AT_REST(width, groups, duplicates) \
    (GRADSIEVE_SIEVE_AT_REST_FIXED + 8 * ((size_t)(groups) * ((size_t)(width) + 1) + (size_t)(duplicates)))

/** A direction detector. */
#define GRADSIEVE_DIRECTION_SIZE(width, groups) \
    (GRADSIEVE_DIRECTION_FIXED + 8 * (size_t)(groups) * ((size_t)(width) + 1))

/** Mahalanobis distances. */
#define GRADSIEVE_MAHALANOBIS_SIZE(width) \
    (GRADSIEVE_MAHALANOBIS_FIXED + 8 * (size_t)(width) * ((size_t)(width) + 5))

/** Mahalanobis distances at rest. */
#define GRADSIEVE_MAHALANOBIS_AT_REST(width) \
    (GRADSIEVE_MAHALANOBIS_AT_REST_FIXED + 8 * (size_t)(width) * ((size_t)(width) + 2))

/** Self-influence. */
#define GRADSIEVE_SELF_INFLUENCE_SIZE(width) \
    (GRADSIEVE_SELF_INFLUENCE_FIXED + 8 * (size_t)(width) * ((size_t)(width) + 4))

/** Self-influence at rest. */
#define GRADSIEVE_SELF_INFLUENCE_AT_REST(width) \
    (GRADSIEVE_SELF_INFLUENCE_AT_REST_FIXED + 8 * (size_t)(width) * ((size_t)(width) + 1))

/** In-run Shapley values of so many samples. */
#define GRADSIEVE_SHAPLEY_SIZE(samples) (GRADSIEVE_SHAPLEY_FIXED + 8 * (size_t)(samples))

/** Bits of a number in a codec of few bits; 0 in others. */
#define GRADSIEVE_CODEC_BITS(codec) \
    ((codec) == GRADSIEVE_CODEC_FOUR_BITS  ? (size_t)4 \
     : (codec) == GRADSIEVE_CODEC_TWO_BITS ? (size_t)2 \
     : (codec) == GRADSIEVE_CODEC_ONE_BIT  ? (size_t)1 \
                                           : (size_t)0)

/** A packet of any settings, which has all that there can be in one. */
#define GRADSIEVE_PACKET_MOST(codec, width) \
    (GRADSIEVE_PACKET_HEADER + 24 + \
     ((codec) == GRADSIEVE_CODEC_F32    ? 4 * (size_t)(width) \
      : (codec) == GRADSIEVE_CODEC_INT8 ? (size_t)(width) + 4 \
      : GRADSIEVE_CODEC_BITS(codec)     ? ((size_t)(width) * GRADSIEVE_CODEC_BITS(codec) + 7) / 8 + 3 \
                                        : 2 * (size_t)(width) + 1))

/** Of sixteen rows of a store, the numbers. */
#define GRADSIEVE_STORE_GROUP(codec, width) \
    ((codec) == GRADSIEVE_CODEC_F32    ? 64 * (size_t)(width) \
     : (codec) == GRADSIEVE_CODEC_INT8 ? ((size_t)(width) + 3) / 4 * 64 \
     : GRADSIEVE_CODEC_BITS(codec)     ? ((size_t)(width) + 63) / 64 * 128 * GRADSIEVE_CODEC_BITS(codec) \
                                       : 32 * (size_t)(width))

/** Of a row of a store, what is kept beside its numbers. */
#define GRADSIEVE_STORE_BESIDE(codec) \
    ((codec) == GRADSIEVE_CODEC_F32    ? (size_t)32 \
     : (codec) == GRADSIEVE_CODEC_INT8 ? (size_t)36 \
     : GRADSIEVE_CODEC_BITS(codec)     ? (size_t)35 \
                                       : (size_t)33)

/** A store of so many rows. */
#define GRADSIEVE_STORE_SIZE(codec, width, rows) \
    (GRADSIEVE_STORE_FIXED + \
     ((size_t)(rows) + 15) / 16 * (GRADSIEVE_STORE_GROUP(codec, width) + 16 * GRADSIEVE_STORE_BESIDE(codec)))

/** A store at rest. */
#define GRADSIEVE_STORE_AT_REST(codec, width, rows) \
    (132 + ((size_t)(rows) + 15) / 16 * GRADSIEVE_STORE_GROUP(codec, width) + \
     (size_t)(rows) * GRADSIEVE_STORE_BESIDE(codec))

/** A target against rows of that codec and width. */
#define GRADSIEVE_TARGET_SIZE(codec, width) \
    (GRADSIEVE_TARGET_FIXED + \
     ((codec) == GRADSIEVE_CODEC_INT8   ? (((size_t)(width) + 3) / 4 + 3) / 2 * 8 \
      : GRADSIEVE_CODEC_BITS(codec)     ? ((size_t)(width) + 63) / 64 * 64 + 16 \
                                        : ((size_t)(width) + 1) / 2 * 8))

/** The k largest scores. */
#define GRADSIEVE_TOP_K_SIZE(k) (GRADSIEVE_TOP_K_FIXED + 16 * (size_t)(k))

/** The k largest scores at rest. */
#define GRADSIEVE_TOP_K_AT_REST(k) (84 + 16 * (size_t)(k))
