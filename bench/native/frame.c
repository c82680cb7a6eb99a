/* Media Streams messages in plain C, base64 by tables: the same octets as bench/suites/audio/messages.ts. */
#define _GNU_SOURCE
#include "audio.h"

static const char sid[] = "MZ0123456789abcdef0123456789abcdef";
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static uint8_t values[256];
static uint8_t frames[PACKETS][1024], messages[PACKETS][1024], decoded[PACKETS][192];
static int frame_length[PACKETS], message_length[PACKETS];

static int encode(uint8_t *to, const uint8_t *from, int n) {
  uint8_t *at = to;
  int i = 0;
  for (; i + 2 < n; i += 3) {
    uint32_t group = from[i] << 16 | from[i + 1] << 8 | from[i + 2];
    *at++ = alphabet[group >> 18];
    *at++ = alphabet[group >> 12 & 63];
    *at++ = alphabet[group >> 6 & 63];
    *at++ = alphabet[group & 63];
  }
  if (i < n) {
    uint32_t group = from[i] << 16 | (i + 1 < n ? from[i + 1] << 8 : 0);
    *at++ = alphabet[group >> 18];
    *at++ = alphabet[group >> 12 & 63];
    *at++ = i + 1 < n ? alphabet[group >> 6 & 63] : '=';
    *at++ = '=';
  }
  return at - to;
}

static int decode(uint8_t *to, const uint8_t *from, int n) {
  uint8_t *at = to, wrong = 0;
  int i = 0;
  while (n > 0 && from[n - 1] == '=') n--;
  for (; i + 3 < n; i += 4) {
    uint8_t a = values[from[i]], b = values[from[i + 1]], c = values[from[i + 2]], d = values[from[i + 3]];
    wrong |= a | b | c | d;
    uint32_t group = a << 18 | b << 12 | c << 6 | d;
    *at++ = group >> 16;
    *at++ = group >> 8;
    *at++ = group;
  }
  if (n - i == 1) return -1;
  if (n - i >= 2) {
    uint8_t a = values[from[i]], b = values[from[i + 1]], c = n - i == 3 ? values[from[i + 2]] : 0;
    wrong |= a | b | c;
    *at++ = a << 2 | b >> 4;
    if (n - i == 3) *at++ = b << 4 | c >> 2;
  }
  return wrong & 0x80 ? -1 : (int)(at - to);
}

static uint8_t *put_number(uint8_t *at, uint32_t value) {
  uint8_t digits[12];
  int n = 0;
  do digits[n++] = '0' + value % 10;
  while (value /= 10);
  while (n > 0) *at++ = digits[--n];
  return at;
}

#define PUT(text) (memcpy(at, text, sizeof text - 1), at += sizeof text - 1)

__attribute__((noinline)) static int write_frame(uint8_t *to, const uint8_t *audio, uint32_t sequence, uint32_t key) {
  uint8_t *at = to + 8;
  PUT("{\"event\":\"media\",\"sequenceNumber\":\"");
  at = put_number(at, sequence);
  PUT("\",\"media\":{\"track\":\"inbound\",\"chunk\":\"");
  at = put_number(at, sequence);
  PUT("\",\"timestamp\":\"");
  at = put_number(at, sequence * 20);
  PUT("\",\"payload\":\"");
  at += encode(at, audio, SAMPLES);
  PUT("\"},\"streamSid\":\"");
  PUT(sid);
  PUT("\"}");
  int length = at - to - 8;
  to[0] = 0x81;
  to[1] = 0xfe;
  to[2] = length >> 8;
  to[3] = length;
  memcpy(to + 4, &key, 4);
  for (int i = 0; i < length; i++) to[8 + i] ^= to[4 + (i & 3)];
  return length + 8;
}

__attribute__((noinline)) static int read_message(uint8_t *to, const uint8_t *text, int length) {
  static const char key[] = "\"payload\":\"";
  if (memcmp(text, "{\"event\":\"media\"", 16) != 0) return -1;
  const uint8_t *from = memmem(text, length, key, sizeof key - 1);
  if (from == NULL) return -1;
  from += sizeof key - 1;
  const uint8_t *end = memchr(from, '"', text + length - from);
  return end == NULL ? -1 : decode(to, from, end - from);
}

static uint32_t mask_key(int n) { return ((uint32_t)(n + 1) * 0x9e3779b1u) ^ 0x2545f491u; }

int main(int argc, char **argv) {
  const int out = argc > 1 && strcmp(argv[1], "out") == 0;
  const double budget = budget_ns(argc, argv);
  make_packets();
  memset(values, 0x80, sizeof values);
  for (int i = 0; i < 64; i++) values[(uint8_t)alphabet[i]] = i;
  for (int n = 0; n < PACKETS; n++) {
    uint8_t payload[256] = {0};
    payload[encode(payload, codes + n * SAMPLES, SAMPLES)] = 0;
    message_length[n] = sprintf((char *)messages[n], "{\"event\":\"media\",\"streamSid\":\"%s\",\"media\":{\"payload\":\"%s\"}}",
                                sid, (char *)payload);
  }
  while (goes_on(budget)) {
    sample_start();
    for (int r = 0; r < SLICE; r++)
      for (int n = 0; n < PACKETS; n++) {
        if (out) frame_length[n] = write_frame(frames[n], codes + n * SAMPLES, 90000 + n, mask_key(n));
        else frame_length[n] = read_message(decoded[n], messages[n], message_length[n]);
        keep(out ? frames[n] : decoded[n]);
      }
    sample_stop(SLICE * PACKETS);
  }
  printf("{");
  print_samples();
  printf(",\"probes\":[\"");
  for (int n = 0; n < PACKETS; n++)
    for (int i = 0; i < frame_length[n]; i++) printf("%02x", out ? frames[n][i] : decoded[n][i]);
  printf("\"]}\n");
  return 0;
}
