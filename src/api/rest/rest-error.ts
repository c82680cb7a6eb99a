/** What REST refuses, as the unmodified client understands it: status, numeric code, one sentence (trunking-rest.md 3). */

import type { StoreError } from "../../base/errors.ts";

/** Codes that more than one resource uses. */
export const REST_CODES = {
  suspended: 10001,
  badParameter: 20001,
  unauthorized: 20003,
  methodNotAllowed: 20004,
  forbidden: 20403,
  notFound: 20404,
  conflict: 20409,
  tooLarge: 20413,
  unusable: 20422,
  tooMany: 20429,
  internal: 20500,
  unavailable: 20503,
} as const;

export class RestError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Never `type` and `title`: the client would take it for another kind of error. */
  get body(): object {
    return {
      code: this.code,
      message: this.message,
      more_info: `https://www.twilio.com/docs/errors/${this.code}`,
      status: this.status,
    };
  }
}

/** 400 that names the parameter. */
export function badParameter(name: string, what: string, code: number = REST_CODES.badParameter): RestError {
  return new RestError(400, code, `${name}: ${what}`);
}

/** 404: unknown, or of another account; nobody learns which. */
export function notFound(what: string): RestError {
  return new RestError(404, REST_CODES.notFound, `The requested resource ${what} was not found`);
}

export function conflict(message: string): RestError {
  return new RestError(409, REST_CODES.conflict, message);
}

/** A store that cannot write changes nothing: calls go on, and the client may try again. */
export function ofStoreError(error: StoreError): RestError {
  if (error.code === "STORE_CONFLICT") return conflict(error.message);
  return new RestError(503, REST_CODES.unavailable, `nothing was changed: ${error.message}`);
}
