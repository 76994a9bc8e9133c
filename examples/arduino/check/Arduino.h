// What the sketch calls of Arduino, for the check: a sensor that is made, and a port that
// prints. Every 97th reading is a glitch.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>

constexpr int A0 = 14;

inline int analogRead(int) {
  static unsigned long i = 0;
  i++;
  const double noise = static_cast<double>(i * 2654435761u % 1024u) / 1024.0 - 0.5;
  const double wave = 200.0 * std::sin(0.2 * static_cast<double>(i)) + 20.0 * noise;
  return static_cast<int>(512.0 + (i % 97 == 0 ? -400.0 : wave));
}

inline void delay(unsigned long) {}

struct Port {
  void begin(unsigned long) {}
  void print(const char *text) { std::fputs(text, stdout); }
  void println(const char *text) { std::puts(text); }
  void println(unsigned long number) { std::printf("%lu\n", number); }
};

static Port Serial;
