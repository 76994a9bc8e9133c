// Runs the sketch as a board would, for 4,000 readings.
#include "Arduino.h"
#include "../examples/FirstSieve/FirstSieve.ino"

int main() {
  setup();
  for (int i = 0; i < 4000; i++) loop();
}
