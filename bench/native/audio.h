/* The same packets as bench/suites/audio/fixture.ts, G.711 by its rules, and the loop around a native kernel. */
#ifndef AUDIO_H
#define AUDIO_H

#include <stdint.h>
#include "bench.h"

/* Not every program uses all of this. */
#define SHARED __attribute__((unused)) static

#define PACKETS 64
#define SAMPLES 160
/* Rounds over all packets in one sample: about a hundred microseconds. */
#define SLICE 40

static uint32_t draw_state = 711;

SHARED uint32_t draw(void) {
  draw_state = draw_state * 1103515245u + 12345u;
  return draw_state >> 16;
}

SHARED int16_t decode_ulaw(uint8_t code) {
  int inverted = ~code, exponent = (inverted >> 4) & 7;
  int magnitude = ((((inverted & 15) << 3) + 132) << exponent) - 132;
  return code & 0x80 ? magnitude : -magnitude;
}

SHARED int16_t decode_alaw(uint8_t code) {
  int bits = (code ^ 0x55) & 0x7f, exponent = bits >> 4;
  int magnitude = ((((bits & 15) + (exponent ? 16 : 0)) << 4) + 8) << (exponent ? exponent - 1 : 0);
  return code & 0x80 ? magnitude : -magnitude;
}

SHARED uint8_t encode_ulaw(int16_t sample) {
  int magnitude = ((sample ^ (sample >> 15)) >> 2) + 33;
  if (magnitude > 0x1fff) magnitude = 0x1fff;
  int segment = 26 - __builtin_clz(magnitude);
  int bits = (segment << 4) | ((magnitude >> (segment + 1)) & 15);
  return ~bits ^ (sample < 0 ? 0x80 : 0);
}

SHARED uint8_t encode_alaw(int16_t sample) {
  int magnitude = (sample ^ (sample >> 15)) >> 4;
  int segment = 27 - __builtin_clz(magnitude | 16);
  int bits = magnitude < 16 ? magnitude : ((segment + 1) << 4) | ((magnitude >> segment) & 15);
  return (sample < 0 ? bits : bits | 0x80) ^ 0x55;
}

static uint8_t codes[PACKETS * SAMPLES];
static int16_t linear[PACKETS * SAMPLES];

SHARED void make_packets(void) {
  for (int i = 0; i < PACKETS * SAMPLES; i++) codes[i] = draw();
  for (int i = 0; i < PACKETS * SAMPLES; i++) linear[i] = (decode_ulaw(codes[i]) >> (draw() & 7)) | 1;
}

SHARED void print_hex(const void *octets, int length) {
  const uint8_t *at = octets;
  printf("\"");
  for (int i = 0; i < length; i++) printf("%02x", at[i]);
  printf("\"");
}

/* Nothing that `at` points to may be taken for unused. */
SHARED void keep(void *at) { __asm__ volatile("" : : "r"(at) : "memory"); }

#endif
