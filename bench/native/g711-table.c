/*
 * G.711 in plain C: one look-up a sample, or, with -DARITHMETIC, the rules of G.191 worked out for every sample, which
 * compilers can turn into vector instructions.
 */
#include "audio.h"

static uint8_t ulaw_of[65536], alaw_of[65536], alaw_of_ulaw[256], border[256];
static int16_t ulaw_samples[256], alaw_samples[256];
static uint8_t octets_out[PACKETS][SAMPLES];
static int16_t samples_out[PACKETS][SAMPLES];

typedef void work(const void *from, void *to);

#ifdef ARITHMETIC
#define ENCODE(law, x) encode_##law(x)
#define DECODE(law, x) decode_##law(x)
#define TRANSCODE(x) encode_alaw(decode_ulaw(x))
#else
#define ENCODE(law, x) law##_of[(uint16_t)(x)]
#define DECODE(law, x) law##_samples[x]
#define TRANSCODE(x) alaw_of_ulaw[x]
#endif

#define LOOP(name, in, out, expression)                                              \
  __attribute__((noinline)) static void name(const void *restrict a, void *restrict b) { \
    const in *from = a;                                                              \
    out *to = b;                                                                     \
    for (int i = 0; i < SAMPLES; i++) to[i] = expression;                            \
  }

LOOP(ulaw_encode, int16_t, uint8_t, ENCODE(ulaw, from[i]))
LOOP(alaw_encode, int16_t, uint8_t, ENCODE(alaw, from[i]))
LOOP(ulaw_decode, uint8_t, int16_t, DECODE(ulaw, from[i]))
LOOP(alaw_decode, uint8_t, int16_t, DECODE(alaw, from[i]))
LOOP(ulaw_to_alaw, uint8_t, uint8_t, TRANSCODE(from[i]))

/* What alawmulaw encodes otherwise than G.191: its positive twin is taken, as bench/suites/g711.ts does. */
static uint8_t without_border(uint8_t code) {
  int sample = decode_ulaw(code);
  return sample < 0 && encode_alaw(sample) != encode_alaw(sample - 1) ? code | 0x80 : code;
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  const double budget = budget_ns(argc, argv);
  make_packets();
  for (int i = 0; i < 65536; i++) {
    ulaw_of[i] = encode_ulaw((int16_t)i);
    alaw_of[i] = encode_alaw((int16_t)i);
  }
  for (int i = 0; i < 256; i++) {
    ulaw_samples[i] = decode_ulaw(i);
    alaw_samples[i] = decode_alaw(i);
    alaw_of_ulaw[i] = encode_alaw(decode_ulaw(i));
    border[i] = without_border(i);
  }
  int encodes = strncmp(name, "encode", 6) == 0, decodes = strncmp(name, "decode", 6) == 0;
  work *kernel = strcmp(name, "encode-ulaw") == 0   ? ulaw_encode
                 : strcmp(name, "encode-alaw") == 0 ? alaw_encode
                 : strcmp(name, "decode-ulaw") == 0 ? ulaw_decode
                 : strcmp(name, "decode-alaw") == 0 ? alaw_decode
                                                    : ulaw_to_alaw;
  if (!encodes && !decodes)
    for (int i = 0; i < PACKETS * SAMPLES; i++) codes[i] = border[codes[i]];
  while (goes_on(budget)) {
    sample_start();
    for (int r = 0; r < SLICE; r++)
      for (int n = 0; n < PACKETS; n++) {
        const void *from = encodes ? (const void *)(linear + n * SAMPLES) : (const void *)(codes + n * SAMPLES);
        void *to = decodes ? (void *)samples_out[n] : (void *)octets_out[n];
        kernel(from, to);
        keep(to);
      }
    sample_stop(SLICE * PACKETS);
  }
  printf("{");
  print_samples();
  printf(",\"probes\":[");
  if (decodes) print_hex(samples_out, sizeof samples_out);
  else print_hex(octets_out, sizeof octets_out);
  printf("]}\n");
  return 0;
}
