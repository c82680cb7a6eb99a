/**
 * Session timers (RFC 4028): a session that nobody refreshes is ended, so that a lost BYE leaves no call behind. Reading
 * and answering are pure; `SessionTimer` runs what was agreed. Each leg has its own (SIP-TMR-6).
 */

import type { Clock, Timer } from "../../base/clock.ts";
import { lists } from "../header-values.ts";
import type { Headers } from "../headers.ts";
import type { ExtraHeaders, SipRequest, SipResponse } from "../message.ts";
import { parseParams } from "../params.ts";
import { parseDecimal } from "../tokens.ts";

export interface SessionTimerSettings {
  /** What we ask for; default 1800. */
  readonly expiresSeconds: number;
  /** Shortest that we take; 90 at least (§4). */
  readonly minSeconds: number;
}

export const SESSION_TIMER_DEFAULTS: SessionTimerSettings = { expiresSeconds: 1800, minSeconds: 90 };

/** What both sides agreed on. */
export interface SessionInterval {
  readonly seconds: number;
  readonly refresher: "local" | "remote";
}

const SECONDS_MAX = 2 ** 31 / 1000 - 1;
/** Not the refresher: BYE that much before the end, or a third of the interval if that is less (§10). */
const EARLY_SECONDS = 32;
const AGAIN_MS_MIN = 5000;

interface SessionExpires {
  readonly seconds: number;
  readonly refresher: "uac" | "uas" | undefined;
}

function sessionExpires(headers: Headers): SessionExpires | undefined {
  const value = headers.get("Session-Expires");
  if (value === undefined) return undefined;
  const semicolon = value.indexOf(";");
  const seconds = parseDecimal((semicolon < 0 ? value : value.slice(0, semicolon)).trim(), 2 ** 32 - 1);
  if (seconds === undefined || seconds === 0) return undefined;
  try {
    const named = semicolon < 0 ? undefined : parseParams(value, semicolon, "Session-Expires").get("refresher");
    const refresher = named?.toLowerCase();
    return {
      seconds: Math.min(seconds, SECONDS_MAX),
      refresher: refresher === "uac" || refresher === "uas" ? refresher : undefined,
    };
  } catch {
    return undefined;
  }
}

/** Min-SE in seconds, 0 when there is none. */
export function minSeconds(headers: Headers): number {
  const value = headers.get("Min-SE")?.split(";")[0]?.trim() ?? "";
  return Math.min(parseDecimal(value, 2 ** 32 - 1) ?? 0, SECONDS_MAX);
}

/** Headers of an INVITE or UPDATE of ours (§7.1, §7.4). */
export function offerSession(
  settings: SessionTimerSettings,
  current?: SessionInterval,
  leastSeconds = 0,
): ExtraHeaders {
  const least = Math.max(settings.minSeconds, leastSeconds);
  const seconds = Math.max(current?.seconds ?? settings.expiresSeconds, least);
  // In a running session the refresher does not change by a request of ours.
  const refresher = current === undefined ? "" : `;refresher=${current.refresher === "local" ? "uac" : "uas"}`;
  return [
    ["Session-Expires", `${Math.floor(seconds)}${refresher}`],
    ["Min-SE", String(Math.floor(least))],
  ];
}

/** Too short for us, from a peer that can be told so by 422 (§9). */
export function isTooShort(request: SipRequest, settings: SessionTimerSettings): boolean {
  const asked = sessionExpires(request.headers);
  return asked !== undefined && asked.seconds < settings.minSeconds && lists(request.headers, "Supported", "timer");
}

/** What we answer to INVITE or UPDATE with a 2xx: the interval, and the headers that say it (§9). */
export function answerSession(
  request: SipRequest,
  settings: SessionTimerSettings,
  current?: SessionInterval,
): { interval: SessionInterval; headers: ExtraHeaders } {
  const asked = sessionExpires(request.headers);
  const isSupported = lists(request.headers, "Supported", "timer");
  const least = Math.max(settings.minSeconds, minSeconds(request.headers));
  const seconds = Math.max(asked?.seconds ?? current?.seconds ?? settings.expiresSeconds, least);
  // A peer without session timers cannot be the refresher (§9, table 2).
  const kept = current === undefined ? undefined : current.refresher === "local" ? "uas" : "uac";
  const refresher = isSupported ? (asked?.refresher ?? kept ?? "uac") : "uas";
  return {
    interval: { seconds, refresher: refresher === "uas" ? "local" : "remote" },
    headers: [
      ["Session-Expires", `${Math.floor(seconds)};refresher=${refresher}`],
      ...(refresher === "uac" ? [["Require", "timer"] as const] : []),
    ],
  };
}

/** What a 2xx to a request of ours says; undefined means that there is no session timer (§7.2). */
export function agreedSession(response: SipResponse): SessionInterval | undefined {
  const said = sessionExpires(response.headers);
  if (said === undefined) return undefined;
  return { seconds: Math.max(said.seconds, 1), refresher: said.refresher === "uas" ? "remote" : "local" };
}

export class SessionTimer {
  readonly #clock: Clock;
  readonly #onRefresh: () => void;
  readonly #onExpired: () => void;
  #interval: SessionInterval | undefined;
  #refresh: Timer | undefined;
  #expiry: Timer | undefined;

  /**
   * @param onRefresh - half of the interval is over and we are to refresh
   * @param onExpired - nobody refreshed in time: end the session
   */
  constructor(clock: Clock, onRefresh: () => void, onExpired: () => void) {
    this.#clock = clock;
    this.#onRefresh = onRefresh;
    this.#onExpired = onExpired;
  }

  get interval(): SessionInterval | undefined {
    return this.#interval;
  }

  /** Begins anew with what a 2xx said; undefined ends the timer. */
  agree(interval: SessionInterval | undefined): void {
    this.stop();
    this.#interval = interval;
    if (interval === undefined) return;
    const { seconds, refresher } = interval;
    if (refresher === "local") this.#refresh = this.#clock.after(seconds * 500, this.#onRefresh);
    this.#expiry = this.#clock.after((seconds - Math.min(EARLY_SECONDS, seconds / 3)) * 1000, this.#onExpired);
  }

  /** A refresh was not accepted: another one soon, while the session lasts. */
  again(): void {
    const interval = this.#interval;
    if (interval === undefined || interval.refresher !== "local") return;
    this.#refresh?.cancel();
    this.#refresh = this.#clock.after(Math.max(AGAIN_MS_MIN, (interval.seconds * 1000) / 16), this.#onRefresh);
  }

  stop(): void {
    this.#refresh?.cancel();
    this.#expiry?.cancel();
  }
}
