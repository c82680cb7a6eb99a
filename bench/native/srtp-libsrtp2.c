/*
 * libsrtp2 as the distribution ships it, through its public interface: one session a context. With
 * -DLIVE=1 there is one session in all, which the build on NSS that Debian ships likes much better.
 */
#include <srtp2/srtp.h>
#include "srtp.h"

static srtp_t sessions[LIVE];

static void open_contexts(int receiving) {
  static int ready;
  if (!ready) must(srtp_init() == srtp_err_status_ok, "srtp_init");
  for (int i = 0; i < LIVE; i++) {
    uint8_t key[30];
    srtp_policy_t policy;
    key_salt(i, key);
    memset(&policy, 0, sizeof policy);
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    policy.key = key;
    policy.window_size = 128;
    policy.ssrc.type = receiving ? ssrc_any_inbound : ssrc_any_outbound;
    if (ready) srtp_dealloc(sessions[i]);
    must(srtp_create(&sessions[i], &policy) == srtp_err_status_ok, "srtp_create");
  }
  ready = 1;
}

static int protect(int i, uint8_t *packet, int length) {
  return srtp_protect(sessions[i], packet, &length) == srtp_err_status_ok ? length : -1;
}

static int unprotect(int i, uint8_t *packet, int length) {
  return srtp_unprotect(sessions[i], packet, &length) == srtp_err_status_ok ? length : -1;
}
