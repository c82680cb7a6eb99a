/*
 * The same contexts and packets as bench/suites/srtp/fixture.ts, and the loop around a native SRTP. Who includes this
 * defines open_contexts (fresh state, called with the clock stopped), protect and unprotect.
 */
#ifndef SRTP_H
#define SRTP_H

#include <stdint.h>
#include "bench.h"

#define CONTEXTS 1000
/* How many contexts there really are; with fewer, packet i of a round belongs to context i % LIVE. */
#ifndef LIVE
#define LIVE CONTEXTS
#endif
#define SEQUENCE(round, i) ((round) * (CONTEXTS / LIVE) + (i) / LIVE + 1)
#define ROUNDS 2
#define SLICE 200
#define PLAIN 172
#define WHOLE 182
#define STRIDE 320

static void open_contexts(int receiving);
/* Both return the new length, or a negative number. */
static int protect(int context, uint8_t *packet, int length);
static int unprotect(int context, uint8_t *packet, int length);

static uint32_t ssrc_of(int context) { return 0x12340000u + context; }

static void key_salt(int context, uint8_t *key) {
  for (int j = 0; j < 30; j++) key[j] = context * 131 + (context >> 8) * 17 + j * 11 + 3;
}

static void put32(uint8_t *at, uint32_t value) {
  at[0] = value >> 24;
  at[1] = value >> 16;
  at[2] = value >> 8;
  at[3] = value;
}

static void plain_packet(int context, uint32_t sequence, uint8_t *p) {
  memset(p, 0, 12);
  p[0] = 0x80;
  p[2] = sequence >> 8;
  p[3] = sequence;
  put32(p + 4, 160 * sequence);
  put32(p + 8, ssrc_of(context));
  for (int j = 0; j < 160; j++) p[12 + j] = j * 7 + context + sequence;
}

static void must(int right, const char *what) {
  if (right) return;
  fprintf(stderr, "wrong: %s\n", what);
  exit(1);
}

int main(int argc, char **argv) {
  static const int probes[] = {0, 1, 2, 3, 511, 999};
  static uint8_t store[ROUNDS][CONTEXTS][STRIDE], packets[CONTEXTS][STRIDE], want[STRIDE];
  const int receiving = argc > 1 && strcmp(argv[1], "unprotect") == 0;
  const double budget = budget_ns(argc, argv);

  open_contexts(0);
  for (int r = 0; r < ROUNDS; r++)
    for (int i = 0; i < CONTEXTS; i++) {
      plain_packet(i % LIVE, SEQUENCE(r, i), store[r][i]);
      must(protect(i % LIVE, store[r][i], PLAIN) == WHOLE, "protect");
    }

  open_contexts(1);
  for (int r = 0; r < ROUNDS; r++)
    for (int i = 0; i < CONTEXTS; i++) {
      memcpy(packets[i], store[r][i], WHOLE);
      plain_packet(i % LIVE, SEQUENCE(r, i), want);
      must(unprotect(i % LIVE, packets[i], WHOLE) == PLAIN && memcmp(want, packets[i], PLAIN) == 0, "unprotect");
    }

  while (goes_on(budget)) {
    open_contexts(receiving);
    if (!receiving)
      for (int i = 0; i < CONTEXTS; i++) plain_packet(i % LIVE, 0, packets[i]);
    sample_start();
    for (int n = 0; n < ROUNDS * CONTEXTS; n++) {
      const int r = n / CONTEXTS, i = n % CONTEXTS;
      if (receiving) {
        memcpy(packets[i], store[r][i], WHOLE);
        if (unprotect(i % LIVE, packets[i], WHOLE) != PLAIN) must(0, "unprotect");
      } else {
        packets[i][2] = SEQUENCE(r, i) >> 8;
        packets[i][3] = SEQUENCE(r, i);
        if (protect(i % LIVE, packets[i], PLAIN) != WHOLE) must(0, "protect");
      }
      if ((n + 1) % SLICE == 0 && sample_slice(SLICE) && !goes_on(budget)) break;
    }
  }

  printf("{");
  print_samples();
  printf(",\"probes\":[");
  for (int n = 0; n < 6; n++) {
    printf(n ? ",\"" : "\"");
    for (int i = 0; i < WHOLE; i++) printf("%02x", store[0][probes[n]][i]);
    printf("\"");
  }
  printf("]}\n");
  return 0;
}

#endif
