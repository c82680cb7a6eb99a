/* Mix-minus in plain C: 32-bit sums, then sum less own, saturated. The same frames as bench/suites/mix.ts. */
#include "audio.h"

#define LEGS_MAX 64

static int16_t frames[LEGS_MAX * SAMPLES], heard[LEGS_MAX * SAMPLES];

__attribute__((noinline)) static void mix_minus(const int16_t *restrict in, int legs, int16_t *restrict out) {
  int32_t sums[SAMPLES] = {0};
  for (int leg = 0; leg < legs; leg++)
    for (int i = 0; i < SAMPLES; i++) sums[i] += in[leg * SAMPLES + i];
  for (int leg = 0; leg < legs; leg++)
    for (int i = 0; i < SAMPLES; i++) {
      int32_t rest = sums[i] - in[leg * SAMPLES + i];
      out[leg * SAMPLES + i] = rest > 32767 ? 32767 : rest < -32768 ? -32768 : rest;
    }
}

int main(int argc, char **argv) {
  const int legs = argc > 1 ? atoi(argv[1]) : 0, clipping = argc > 2 && strcmp(argv[2], "clipping") == 0;
  const double budget = budget_ns(argc, argv);
  if (legs < 1 || legs > LEGS_MAX) return 2;
  make_packets();
  for (int i = 0; i < legs * SAMPLES; i++) frames[i] = clipping ? linear[i] : linear[i] >> (i < 2 * SAMPLES ? 2 : 6);
  while (goes_on(budget)) {
    sample_start();
    for (int r = 0; r < SLICE; r++) {
      mix_minus(frames, legs, heard);
      keep(heard);
    }
    sample_stop(SLICE * legs);
  }
  printf("{");
  print_samples();
  printf(",\"probes\":[");
  print_hex(heard, legs * SAMPLES * 2);
  printf("]}\n");
  return 0;
}
