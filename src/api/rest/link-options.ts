/**
 * Parameters of trunks, BYOC trunks and their targets that only this gateway has: how calls leave (SIP-ID-1, SIP-ID-10, SIP-ID-11,
 * DTMF-7) and how often a target is asked whether it is there (R-KEEP-6). Clients that don't know them leave them out.
 */

import { readPassedHeader } from "../../trunking/passed-headers.ts";
import type { InfoDigits, LinkOptions, OriginationTarget } from "../../trunking/records.ts";
import type { Parameters } from "./parameters.ts";
import { badParameter } from "./rest-error.ts";

const INFO_DIGITS: readonly InfoDigits[] = ["off", "without-events", "always"];
const PASSED_MAX = 50;
const PASSED_LENGTH_MAX = 4096;
const OPTIONS_SECONDS_MAX = 3600;

/** What is given; fields that are absent are undefined. */
export function readLinkOptions(body: Parameters) {
  return {
    trusted: body.flag("Trusted"),
    passHeaders: readPassHeaders(body),
    userPhone: body.flag("UserPhone"),
    infoDigits: body.choice("InfoDigits", INFO_DIGITS),
  };
}

export function showLinkOptions({ trusted, passHeaders, userPhone, infoDigits }: LinkOptions): object {
  return {
    trusted: trusted ?? false,
    pass_headers: passHeaders ?? [],
    user_phone: userPhone ?? false,
    info_digits: infoDigits ?? "off",
  };
}

/** Seconds, or null when it is given empty: as the gateway's own setting says. */
export function readOptionsSeconds(body: Parameters): number | null | undefined {
  if (body.raw("OptionsSeconds") === "") return null;
  return body.integer("OptionsSeconds", 0, OPTIONS_SECONDS_MAX);
}

export function showOptionsSeconds({ optionsSeconds }: Pick<OriginationTarget, "optionsSeconds">): object {
  return { options_seconds: optionsSeconds ?? null };
}

/** Names with commas between them; empty for none. */
function readPassHeaders(body: Parameters): string[] | undefined {
  const text = body.text("PassHeaders", PASSED_LENGTH_MAX);
  if (text === undefined) return undefined;
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length > PASSED_MAX) throw badParameter("PassHeaders", `at most ${PASSED_MAX} names`);
  return names.map((name) => {
    const read = readPassedHeader(name);
    if (read === undefined) throw badParameter("PassHeaders", `${name.slice(0, 64)} is no header that may pass`);
    return read;
  });
}
