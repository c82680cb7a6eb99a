/**
 * Secrets as they lie on disk: sealed with the operator's key by AES-256-GCM (R-AUTH-11). Digest needs the clear password,
 * so sealing is reversible; what protects it is that the key is kept elsewhere. A sealed text is bound to its place, so
 * that it cannot be moved to another record.
 */

import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";
import { StoreError } from "../base/errors.ts";

/** Octets of an operator key. */
export const OPERATOR_KEY_LENGTH_BYTES = 32;

const FORMAT = "v1";
const NONCE_LENGTH_BYTES = 12;
const TAG_LENGTH_BYTES = 16;

export class Secrets {
  readonly #key: Uint8Array;
  /** First octets of a hash of the key: tells a wrong key from damaged text. */
  readonly #keyName: string;

  /** @param key - 32 octets; copied */
  constructor(key: Uint8Array) {
    if (key.length !== OPERATOR_KEY_LENGTH_BYTES)
      throw new RangeError(`key must be ${OPERATOR_KEY_LENGTH_BYTES} octets, got ${key.length}`);
    this.#key = Uint8Array.from(key);
    this.#keyName = createHash("sha256").update("tandem key name").update(key).digest("hex").slice(0, 8);
  }

  /** What the operator shows over HTTP: derived, so that the key itself never leaves the machine. */
  get operatorToken(): string {
    return createHmac("sha256", this.#key).update("tandem operator token 1").digest("hex");
  }

  /** A key for one process, for stores that keep nothing. */
  static ephemeral(): Secrets {
    return new Secrets(randomBytes(OPERATOR_KEY_LENGTH_BYTES));
  }

  /**
   * Seals a text.
   * @param place - where it will lie, such as the SID of its record; asked for again when it is opened
   */
  seal(text: string, place: string): string {
    const nonce = randomBytes(NONCE_LENGTH_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    cipher.setAAD(Buffer.from(place));
    const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return `${FORMAT}.${this.#keyName}.${sealed.toString("base64url")}`;
  }

  /** @throws StoreError STORE_KEY for another operator key, STORE_CORRUPT for a damaged or moved text */
  unseal(sealed: string, place: string): string {
    const [format, keyName, base64] = sealed.split(".");
    if (format !== FORMAT || keyName === undefined || base64 === undefined)
      throw new StoreError("STORE_CORRUPT", `the secret of ${place} is not in a sealed form that is known`);
    if (keyName !== this.#keyName)
      throw new StoreError("STORE_KEY", `the secret of ${place} was sealed with another operator key`);
    const bytes = Buffer.from(base64, "base64url");
    try {
      const nonce = bytes.subarray(0, NONCE_LENGTH_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", this.#key, nonce, { authTagLength: TAG_LENGTH_BYTES });
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(bytes.subarray(-TAG_LENGTH_BYTES));
      const cipherText = bytes.subarray(NONCE_LENGTH_BYTES, -TAG_LENGTH_BYTES);
      return Buffer.concat([decipher.update(cipherText), decipher.final()]).toString("utf8");
    } catch (cause) {
      throw new StoreError("STORE_CORRUPT", `the secret of ${place} is damaged or belongs to another record`, {
        cause,
      });
    }
  }
}

/**
 * Reads an operator key: 32 octets as 64 hex digits or as base64.
 * @returns null when the text is neither
 */
export function parseOperatorKey(text: string): Uint8Array | null {
  const trimmed = text.trim();
  if (/^[0-9a-fA-F]{64}$/.test(trimmed)) return new Uint8Array(Buffer.from(trimmed, "hex"));
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return null;
  return new Uint8Array(Buffer.from(trimmed, "base64"));
}
