/**
 * Why a session description was refused, as data: what to answer (400 or 488), which Warning to add (RFC 3261 §20.43)
 * and which alert to write. The messages name what was offered and what would have been taken, and never a key.
 */

import { SdpError } from "../base/errors.ts";

/** The reasons, one word each, for `explain` and for tests. */
export type SdpRefusalReason =
  | "unparsable"
  | "no-audio"
  | "no-codec"
  | "unsupported-profile"
  | "bad-address"
  | "srtp-not-enabled"
  | "srtp-required"
  | "no-acceptable-crypto"
  | "stream-removed"
  | "answer-violates-offer";

/** Alert catalogue numbers of the three groups: bad SDP, SRTP on a plain trunk, no SRTP on a secure trunk. */
const ALERT_CODES: Readonly<Record<SdpRefusalReason, 32102 | 32207 | 32208>> = {
  unparsable: 32102,
  "no-audio": 32102,
  "no-codec": 32102,
  "unsupported-profile": 32102,
  "bad-address": 32102,
  "srtp-not-enabled": 32207,
  "srtp-required": 32208,
  "no-acceptable-crypto": 32208,
  "stream-removed": 32102,
  "answer-violates-offer": 32102,
};

/** Warn-codes of RFC 3261 §20.43; 399 where none fits. */
const WARNING_CODES: Readonly<Record<SdpRefusalReason, number>> = {
  unparsable: 399,
  "no-audio": 304,
  "no-codec": 305,
  "unsupported-profile": 302,
  "bad-address": 300,
  "srtp-not-enabled": 302,
  "srtp-required": 302,
  "no-acceptable-crypto": 302,
  "stream-removed": 399,
  "answer-violates-offer": 399,
};

/** An `SdpError` that knows its reason. Status 400 for `unparsable`, 488 for everything else. */
export class SdpRefusal extends SdpError {
  readonly reason: SdpRefusalReason;
  /** 32102, 32207 or 32208 (requirements 0.1). */
  readonly alertCode: 32102 | 32207 | 32208;
  /** warn-code of a Warning header. */
  readonly warningCode: number;

  constructor(reason: SdpRefusalReason, message: string) {
    super(message, reason === "unparsable" ? 400 : 488);
    this.reason = reason;
    this.alertCode = ALERT_CODES[reason];
    this.warningCode = WARNING_CODES[reason];
  }
}
