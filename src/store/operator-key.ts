/**
 * Where the operator key comes from: the environment, a file, or, so that a first start works, a file that is made beside
 * the data. The key file is for the operator alone (mode 0600) and is to be backed up apart from the data.
 */

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { messageOf, StoreError } from "../base/errors.ts";
import { OPERATOR_KEY_LENGTH_BYTES, parseOperatorKey } from "./secrets.ts";

export interface OperatorKeySource {
  /** Text of the key, e.g. of an environment variable; comes first. */
  readonly text?: string;
  /** Configured key file; has to exist. */
  readonly file?: string;
  /** Key file to make when nothing else is given. */
  readonly fallbackFile: string;
}

export interface OperatorKey {
  readonly key: Uint8Array;
  /** For the log. */
  readonly origin: string;
  /** True when a new key was written just now. */
  readonly created: boolean;
}

/** @throws StoreError STORE_KEY when a key is given but cannot be read */
export function loadOperatorKey(source: OperatorKeySource): OperatorKey {
  if (source.text !== undefined)
    return { key: keyIn(source.text, "the operator key"), origin: "environment", created: false };
  if (source.file !== undefined)
    return { key: keyIn(readKeyFile(source.file), source.file), origin: source.file, created: false };
  const { fallbackFile } = source;
  const key = new Uint8Array(randomBytes(OPERATOR_KEY_LENGTH_BYTES));
  try {
    // wx: never over a key that is there, since without it all secrets would be lost.
    writeFileSync(fallbackFile, `${Buffer.from(key).toString("base64")}\n`, { flag: "wx", mode: 0o600 });
    return { key, origin: fallbackFile, created: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST")
      throw new StoreError("STORE_KEY", `cannot write the key file ${fallbackFile}: ${messageOf(error)}`, {
        cause: error,
      });
  }
  return { key: keyIn(readKeyFile(fallbackFile), fallbackFile), origin: fallbackFile, created: false };
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new StoreError("STORE_KEY", `cannot read the key file ${file}: ${messageOf(cause)}`, { cause });
  }
}

function keyIn(text: string, name: string): Uint8Array {
  const key = parseOperatorKey(text);
  if (key === null)
    throw new StoreError(
      "STORE_KEY",
      `${name} is not 32 octets in hex or base64; make one with: openssl rand -base64 32`,
    );
  return key;
}
