/*
 * As quick as SRTP can be made of OpenSSL's parts: one EVP AES-CTR context a key, which gets a new counter block a
 * packet, and SHA-1 from the two states that HMAC has after its pads. With AES-NI and SHA-NI where there are any. No
 * index, no replay list: that is the price of the primitives alone.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include "srtp.h"

typedef struct {
  EVP_CIPHER_CTX *cipher;
  uint8_t salt[14];
  SHA_CTX inner, outer;
} context_t;

static context_t contexts[LIVE];

static void derive(const uint8_t *key_and_salt, int label, uint8_t *out, int length) {
  uint8_t block[16] = {0}, zeros[32] = {0}, stream[32];
  int n;
  memcpy(block, key_and_salt + 16, 14);
  block[7] ^= label;
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(cipher, EVP_aes_128_ctr(), 0, key_and_salt, block);
  EVP_EncryptUpdate(cipher, stream, &n, zeros, 32);
  EVP_CIPHER_CTX_free(cipher);
  memcpy(out, stream, length);
}

static void pad(SHA_CTX *state, const uint8_t *key, int octet) {
  uint8_t block[64];
  memset(block, octet, 64);
  for (int i = 0; i < 20; i++) block[i] ^= key[i];
  SHA1_Init(state);
  SHA1_Update(state, block, 64);
}

static void open_contexts(int receiving) {
  (void)receiving;
  if (contexts[0].cipher) return; /* they have no state */
  for (int i = 0; i < LIVE; i++) {
    uint8_t master[30], key[16], auth[20];
    key_salt(i, master);
    derive(master, 0, key, 16);
    derive(master, 1, auth, 20);
    derive(master, 2, contexts[i].salt, 14);
    contexts[i].cipher = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(contexts[i].cipher, EVP_aes_128_ctr(), 0, key, 0);
    pad(&contexts[i].inner, auth, 0x36);
    pad(&contexts[i].outer, auth, 0x5c);
  }
}

static inline void tag(const context_t *c, const uint8_t *packet, int length, uint8_t *out) {
  static const uint8_t roc[4] = {0};
  SHA_CTX state = c->inner;
  SHA1_Update(&state, packet, length);
  SHA1_Update(&state, roc, 4);
  SHA1_Final(out, &state);
  state = c->outer;
  SHA1_Update(&state, out, 20);
  SHA1_Final(out, &state);
}

static inline void crypt(const context_t *c, uint8_t *packet, int length) {
  uint8_t block[16];
  int n;
  memcpy(block, c->salt, 14);
  block[14] = block[15] = 0;
  for (int i = 0; i < 4; i++) block[4 + i] ^= packet[8 + i];
  block[12] ^= packet[2];
  block[13] ^= packet[3];
  EVP_EncryptInit_ex(c->cipher, 0, 0, 0, block);
  EVP_EncryptUpdate(c->cipher, packet + 12, &n, packet + 12, length - 12);
}

static int protect(int i, uint8_t *packet, int length) {
  uint8_t digest[20];
  crypt(&contexts[i], packet, length);
  tag(&contexts[i], packet, length, digest);
  memcpy(packet + length, digest, 10);
  return length + 10;
}

static int unprotect(int i, uint8_t *packet, int length) {
  uint8_t digest[20];
  length -= 10;
  tag(&contexts[i], packet, length, digest);
  if (CRYPTO_memcmp(digest, packet + length, 10)) return -1;
  crypt(&contexts[i], packet, length);
  return length;
}
