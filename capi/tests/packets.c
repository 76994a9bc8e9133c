/* Writes the published packets, tests/golden/packets.hex, and reads each of them. */
#include "check.h"
#include "codecs.h"

enum { WIDEST = 128, MOST = 600 };

static const char *const NAMES[] = {"f32", "f16", "bf16", "int8", "4-bit", "2-bit", "1-bit"};

static gradsieve_sketch_id id_of(const gradsieve_sketcher_settings *settings, const gradsieve_layer *layer) {
    gradsieve_sketcher *sketcher;
    gradsieve_sketch_id id;
    size_t bytes;
    OK(gradsieve_sketcher_size(settings, layer, 1, &bytes, NULL));
    void *const memory = memory_of(bytes);
    OK(gradsieve_sketcher_init(memory, bytes, settings, layer, 1, &sketcher, NULL));
    OK(gradsieve_sketcher_id(sketcher, NULL, &id, NULL));
    free(memory);
    return id;
}

static void write_all(const gradsieve_sketch_id *id, size_t width, const gradsieve_layer *layer) {
    static GRADSIEVE_MEMORY(memory, GRADSIEVE_PACKETS_SIZE);
    gradsieve_packets *packets;
    OK(gradsieve_packets_init(memory, sizeof memory, id, width, layer, 1, &packets, NULL));
    uint64_t fingerprint;
    OK(gradsieve_packets_fingerprint(packets, &fingerprint, NULL));
    float values[WIDEST], decoded[WIDEST] = {0};
    for (size_t i = 0; i < width; i++) {
        values[i] = (float)((17 * i + 3) % 29) / 8.0f - 1.75f;
    }
    gradsieve_sketch sketch;
    memset(&sketch, 0, sizeof sketch);
    sketch.id = *id;
    sketch.values = values;
    sketch.width = width;
    sketch.measures.l1 = 12.5;
    sketch.measures.l2_squared = 6.25;
    sketch.measures.max = 1.75f;
    sketch.measures.count = layer->outputs * layer->inputs;
    for (size_t at = 0; at < CODEC_COUNT; at++) {
        const uint32_t codec = CODECS[at];
        for (uint8_t measured = 0; measured <= 1; measured++) {
            gradsieve_packet_settings settings = {codec, measured, measured};
            sketch.group = measured ? 3 : 0;
            sketch.loss = 0.75f;
            sketch.has_loss = measured;
            uint8_t packet[MOST + 1];
            memset(packet, 0xEE, sizeof packet);
            size_t most, written, read;
            OK(gradsieve_packet_most(&settings, width, &most, NULL));
            CHECK(most <= GRADSIEVE_PACKET_MOST(codec, width) && most <= MOST);
            CHECK(!measured || most == GRADSIEVE_PACKET_MOST(codec, width));
            OK(gradsieve_packets_write(packets, &sketch, &settings, packet, most, &written, NULL));
            printf("%u %u %s: ", (unsigned)id->projection, (unsigned)width, NAMES[at]);
            for (size_t i = 0; i < written; i++) {
                printf("%02x", (unsigned)packet[i]);
            }
            printf("\n");

            gradsieve_packet_header header;
            OK(gradsieve_packet_peek(packet, GRADSIEVE_PACKET_HEADER, &header, NULL));
            CHECK(header.fingerprint == fingerprint && header.length == written);
            CHECK(header.codec == codec && header.width == width);
            gradsieve_sketch received;
            OK(gradsieve_packets_read(packets, packet, sizeof packet, decoded, width, &received, &read, NULL));
            CHECK(read == written && received.values == decoded && received.width == width);
            CHECK(received.group == sketch.group && received.has_loss == measured);
            CHECK(received.measures.l2_squared == 6.25 && received.measures.count == sketch.measures.count);
            for (size_t i = 0; i < width && codec <= GRADSIEVE_CODEC_BF16; i++) {
                CHECK(decoded[i] == values[i]);
            }
            packet[written / 2] ^= 1;
            RETURNS(GRADSIEVE_STATUS_CORRUPT,
                    gradsieve_packets_read(packets, packet, written, decoded, width, &received, NULL, NULL));
        }
    }
}

int main(void) {
    const gradsieve_layer nine = {0, 9, 1}, many = {0, 1000, 1};
    gradsieve_sketcher_settings settings = gradsieve_sketcher_settings_default(WIDEST);
    settings.projection = GRADSIEVE_PROJECTION_EXACT;
    gradsieve_sketch_id id = id_of(&settings, &nine);
    write_all(&id, 5, &nine);
    settings.projection = GRADSIEVE_PROJECTION_SJLT;
    settings.key.seed = 7;
    id = id_of(&settings, &many);
    write_all(&id, WIDEST, &many);
    settings.key.is_secret = 1;
    memcpy(settings.key.secret, "sixteen bytes ok", sizeof settings.key.secret);
    settings.repeat = 4;
    id = id_of(&settings, &many);
    write_all(&id, WIDEST, &many);
    return 0;
}
