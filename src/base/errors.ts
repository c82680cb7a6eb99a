/**
 * The error classes of every layer. Users match on `code`, which is stable; messages may change.
 * A caller's own mistake (wrong type, out of range) is a `TypeError` or `RangeError` instead, and a bad media packet
 * is neither: it is a counted drop.
 */

/** Base of all errors that the world, not the caller, is to blame for. */
export class GatewayError extends Error {
  /** Stable, documented identifier, e.g. `SIP_PARSE` or `CONFIG_INVALID`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A SIP message that cannot be read (RFC 3261 §25). `status` is what to answer, 0 means drop silently. */
export class SipParseError extends GatewayError {
  /** SIP status to answer a request with; 0 when the message does not allow an answer. */
  readonly status: number;
  /** Octet offset into the message where reading failed, or -1. */
  readonly offset: number;
  /** True on a stream transport when the framing is lost and the connection has to be closed. */
  readonly fatalToStream: boolean;

  constructor(message: string, status = 400, offset = -1, fatalToStream = false) {
    super("SIP_PARSE", message);
    this.status = status;
    this.offset = offset;
    this.fatalToStream = fatalToStream;
  }
}

/** No answer in time to a SIP request (RFC 3261 timers B and F). */
export class TransactionTimeoutError extends GatewayError {
  constructor(message: string) {
    super("SIP_TIMEOUT", message);
  }
}

/** The network refused or lost a message (RFC 3261 §18.4): connection refused, TLS failed, no route. */
export class TransportError extends GatewayError {
  constructor(
    code: "TRANSPORT_REFUSED" | "TRANSPORT_TLS" | "TRANSPORT_LOST" | "TRANSPORT_DNS",
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** A final SIP answer of 300 to 699, or the answer that we are to give. */
export class SipRejectionError extends GatewayError {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string) {
    super("SIP_REJECTED", `${status} ${reason}`);
    this.status = status;
    this.reason = reason;
  }
}

/** SDP that cannot be read (`status` 400) or offers nothing usable (`status` 488). */
export class SdpError extends GatewayError {
  readonly status: 400 | 488;

  constructor(message: string, status: 400 | 488) {
    super(status === 400 ? "SDP_PARSE" : "SDP_UNUSABLE", message);
    this.status = status;
  }
}

/** A TwiML document that cannot be run. `alertCode` is the catalogue number (12100, 12102 …). */
export class TwimlError extends GatewayError {
  readonly alertCode: number;
  readonly line: number;

  constructor(alertCode: number, message: string, line = 0) {
    super("TWIML_INVALID", message);
    this.alertCode = alertCode;
    this.line = line;
  }
}

/** A webhook that gave no usable answer. `alertCode` is the catalogue number (11200, 11205 …). */
export class WebhookError extends GatewayError {
  readonly alertCode: number;
  readonly url: string;

  constructor(alertCode: number, message: string, url: string, options?: ErrorOptions) {
    super("WEBHOOK_FAILED", message, options);
    this.alertCode = alertCode;
    this.url = url;
  }
}

/** The media engine could not do what it was asked for (not: a bad packet). */
export class MediaError extends GatewayError {
  constructor(
    code:
      | "MEDIA_WASM_MISSING"
      | "MEDIA_ABI"
      | "MEDIA_FULL"
      | "MEDIA_NO_LEG"
      | "MEDIA_NO_CONFERENCE"
      | "MEDIA_NO_PORT"
      | "MEDIA_WORKER_LOST",
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** A media stream that ended or never began for a reason of the 319xx catalogue. */
export class StreamError extends GatewayError {
  readonly alertCode: number;

  constructor(alertCode: number, message: string, options?: ErrorOptions) {
    super("STREAM_FAILED", message, options);
    this.alertCode = alertCode;
  }
}

/** The configuration file or its environment variables are wrong; the message names file, line and what was expected. */
export class ConfigError extends GatewayError {
  constructor(message: string) {
    super("CONFIG_INVALID", message);
  }
}

/**
 * The store could not read or write. `STORE_CONFLICT`: a name or number that has to be unique is taken; `STORE_KEY`: the
 * operator key is not the one that sealed the secrets.
 */
export class StoreError extends GatewayError {
  constructor(
    code: "STORE_BUSY" | "STORE_READ_ONLY" | "STORE_CORRUPT" | "STORE_FULL" | "STORE_CONFLICT" | "STORE_KEY",
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
