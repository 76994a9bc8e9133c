// Learns to foretell an analog sensor from its last eight readings, one step a reading,
// while a sieve judges each reading: a glitch is printed and not learnt.
#include <GradsieveLibrary.h>

constexpr size_t INPUTS = 8, WIDTH = 16;
// One output; the bias is the weight of one more input.
const gradsieve_layer LAYER = {0, 1, INPUTS + 1};

static GRADSIEVE_MEMORY(sketcherMemory, GRADSIEVE_KRONECKER_SIZE(WIDTH, 1));
static GRADSIEVE_MEMORY(sieveMemory, GRADSIEVE_SIEVE_SIZE(WIDTH, 1, 0));
static gradsieve_kronecker *sketcher;
static gradsieve_sieve *sieve;
static float window[INPUTS], weights[INPUTS + 1];
static unsigned long readings;

// Stops if a call was refused, and says why.
static void require(gradsieve_status status) {
  while (status != GRADSIEVE_STATUS_OK) {
    Serial.println(gradsieve_status_text(status));
    delay(1000);
  }
}

void setup() {
  Serial.begin(115200);
  const gradsieve_key key = {7, {0}, 0};
  size_t width;
  require(gradsieve_kronecker_init(sketcherMemory, sizeof sketcherMemory, &key, WIDTH, &LAYER, 1, &sketcher, nullptr));
  require(gradsieve_kronecker_id(sketcher, &width, nullptr, nullptr));
  gradsieve_sieve_settings settings = gradsieve_sieve_settings_default(width);
  settings.loss_is_squared = 1;
  settings.duplicates = 0;
  settings.half_life = 1000;
  require(gradsieve_sieve_init(sieveMemory, sizeof sieveMemory, &settings, &sieve, nullptr));
}

void loop() {
  const float reading = analogRead(A0) / 512.0f - 1.0f;
  if (readings++ >= INPUTS) {
    float foretold = weights[INPUTS];
    for (size_t i = 0; i < INPUTS; i++) foretold += weights[i] * window[i];
    const float delta = foretold - reading;  // the loss gradient of what came out

    gradsieve_sketch sketch;
    gradsieve_verdict verdict;
    require(gradsieve_kronecker_outer_biased_f32(sketcher, &LAYER, window, INPUTS, &delta, 1, nullptr));
    require(gradsieve_kronecker_finish(sketcher, &sketch, nullptr));
    sketch.loss = 0.5f * delta * delta;
    sketch.has_loss = 1;
    require(gradsieve_sieve_judge(sieve, &sketch, &verdict, nullptr));
    require(gradsieve_sieve_observe(sieve, &sketch, &verdict, nullptr, nullptr));
    if (verdict.flagged) {
      Serial.print("left out: reading ");
      Serial.println(readings);
    } else {
      for (size_t i = 0; i < INPUTS; i++) weights[i] -= 0.02f * delta * window[i];
      weights[INPUTS] -= 0.02f * delta;
    }
  }
  for (size_t i = 0; i + 1 < INPUTS; i++) window[i] = window[i + 1];
  window[INPUTS - 1] = reading;
  delay(10);
}
