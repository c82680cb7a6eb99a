/*
 * libsrtp as a peer: protects and unprotects what it reads, and says what became of it.
 *
 *   exchange KEY_AND_SALT TAG_BYTES
 *
 * KEY_AND_SALT is 60 hexadecimal digits, TAG_BYTES 10 or 4. One session sends, another one receives; both keep a replay
 * list of 128. A request on the standard input is one letter, two octets of length (big-endian) and the packet:
 *
 *   P, U   protect, unprotect RTP        p, u   protect, unprotect RTCP
 *
 * An answer is a status (one octet, 0: ok, otherwise srtp_err_status_t), two octets of length, and the packet when the
 * status is 0. Input ends when it ends. Build: cc exchange.c -lsrtp2
 */
#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_MAX 4096

static void must(int right, const char *what) {
  if (right) return;
  fprintf(stderr, "exchange: %s\n", what);
  exit(1);
}

static srtp_t open_session(uint8_t *key, int tag_bytes, srtp_ssrc_type_t direction) {
  srtp_policy_t policy;
  srtp_t session;
  memset(&policy, 0, sizeof policy);
  if (tag_bytes == 4) srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
  else srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
  /* SRTCP tags have 80 bits in both suites (RFC 4568 6.2.2). */
  srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  policy.ssrc.type = direction;
  policy.key = key;
  policy.window_size = 128;
  must(srtp_create(&session, &policy) == srtp_err_status_ok, "srtp_create");
  return session;
}

int main(int argc, char **argv) {
  static uint8_t packet[PACKET_MAX + SRTP_MAX_TRAILER_LEN];
  uint8_t key[30];
  must(argc == 3 && strlen(argv[1]) == 60, "usage: exchange KEY_AND_SALT TAG_BYTES");
  for (int i = 0; i < 30; i++) {
    unsigned octet;
    must(sscanf(argv[1] + 2 * i, "%2x", &octet) == 1, "key");
    key[i] = octet;
  }
  must(srtp_init() == srtp_err_status_ok, "srtp_init");
  srtp_t sender = open_session(key, atoi(argv[2]), ssrc_any_outbound);
  srtp_t receiver = open_session(key, atoi(argv[2]), ssrc_any_inbound);

  uint8_t head[3];
  while (fread(head, 1, 3, stdin) == 3) {
    int length = head[1] << 8 | head[2];
    must(length <= PACKET_MAX && fread(packet, 1, length, stdin) == (size_t)length, "input ends early");
    srtp_err_status_t status = srtp_err_status_bad_param;
    switch (head[0]) {
      case 'P': status = srtp_protect(sender, packet, &length); break;
      case 'U': status = srtp_unprotect(receiver, packet, &length); break;
      case 'p': status = srtp_protect_rtcp(sender, packet, &length); break;
      case 'u': status = srtp_unprotect_rtcp(receiver, packet, &length); break;
      default: must(0, "unknown request");
    }
    if (status != srtp_err_status_ok) length = 0;
    uint8_t answer[3] = {status, length >> 8, length};
    fwrite(answer, 1, 3, stdout);
    fwrite(packet, 1, length, stdout);
  }
  must(fflush(stdout) == 0, "output");
  return 0;
}
