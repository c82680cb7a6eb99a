/**
 * What a simulated carrier does with a call, in words that a command line can hold: `answer:tone`, `status:503`, `slow:5`. Which
 * number gets which is a list of rules, so that a test chooses by what it dials.
 */

import type { CallScript } from "./party.ts";
import { tone } from "./tones.ts";

/** A rule: numbers that end like this do that. */
export interface Rule {
  /** Digits at the end of the called number, or a whole user part; "" fits all. */
  readonly ending: string;
  readonly behaviour: string;
}

/** One line of help for each behaviour, in the order in which they are told. */
export const BEHAVIOURS: readonly (readonly [word: string, meaning: string])[] = [
  ["answer", "answers and sends back what it hears (the same as answer:echo)"],
  ["answer:tone", "answers and plays a tone of 440 Hz"],
  ["answer:silence", "answers and sends silence"],
  ["busy", "486 Busy Here"],
  ["ring", "180, and nothing more until the caller gives up"],
  ["silent", "no answer of any kind"],
  ["status:CODE", "refuses with 400 to 699"],
  ["redirect:URI", "302 with this URI as Contact"],
  ["slow:SECONDS", "rings, and answers after that time"],
  ["early:SECONDS", "plays a tone before the answer (183), and answers after that time"],
  ["hangup:SECONDS", "answers, and hangs up after that time"],
  ["digits:KEYS", "answers, and presses these keys (0-9 * # A-D) after a second"],
  ["hold:SECONDS", "answers, holds the call by a re-INVITE after a second, and takes it back after that time"],
];

/** Without rules of one's own: the last three digits say what happens. */
export const DEFAULT_RULES: readonly Rule[] = [
  { ending: "000", behaviour: "silent" },
  { ending: "180", behaviour: "ring" },
  { ending: "183", behaviour: "early:3" },
  { ending: "200", behaviour: "answer" },
  { ending: "201", behaviour: "answer:tone" },
  { ending: "202", behaviour: "answer:silence" },
  { ending: "205", behaviour: "slow:5" },
  { ending: "210", behaviour: "hangup:5" },
  { ending: "220", behaviour: "digits:1234#" },
  { ending: "230", behaviour: "hold:2" },
];

const SECONDS_MAX = 3600;
const KEYS_MAX = 32;
const TONE_HZ = 440;

/** @throws RangeError for words that are not in the list; the message is for people */
export function readBehaviour(text: string): CallScript {
  const [word = "", ...rest] = text.split(":");
  const argument = rest.join(":");
  switch (word) {
    case "answer":
      return { kind: "answer", ...soundOf(argument, text) };
    case "busy":
      return { kind: "reject", status: 486 };
    case "ring":
    case "silent":
      return { kind: word };
    case "status": {
      const status = Number(argument);
      if (!/^[456][0-9][0-9]$/.test(argument)) throw wrong(text, "status:CODE takes 400 to 699");
      return { kind: "reject", status };
    }
    case "redirect":
      if (!/^sips?:./.test(argument)) throw wrong(text, "redirect:URI takes a SIP URI");
      return { kind: "redirect", contact: argument };
    case "slow":
      return { kind: "answer", afterMs: milliseconds(argument, text), echo: true };
    case "early":
      return { kind: "answer", afterMs: milliseconds(argument, text), early: true, ...soundOf("tone", text) };
    case "hangup":
      return { kind: "answer", hangUpAfterMs: milliseconds(argument, text), echo: true };
    case "digits":
      if (!/^[0-9*#A-D]+$/.test(argument) || argument.length > KEYS_MAX)
        throw wrong(text, `digits:KEYS takes up to ${KEYS_MAX} of 0-9 * # A-D`);
      return { kind: "answer", digits: argument };
    case "hold":
      return { kind: "answer", holdMs: milliseconds(argument, text), echo: true };
    default:
      throw wrong(text, `expected one of ${BEHAVIOURS.map(([name]) => name).join(", ")}`);
  }
}

/** `+15550109300=busy`, `300=slow:5`: an ending, and what such numbers do. @throws RangeError */
export function readRule(text: string): Rule {
  const at = text.indexOf("=");
  const ending = text.slice(0, Math.max(0, at));
  if (at < 0 || !/^[+0-9A-Za-z._-]{0,64}$/.test(ending))
    throw wrong(text, "expected ENDING=BEHAVIOUR, such as 300=busy");
  readBehaviour(text.slice(at + 1));
  return { ending, behaviour: text.slice(at + 1) };
}

/**
 * What happens with a number: the first rule that fits; else its last three digits, when they are a status of 400 to 699; else
 * `otherwise`.
 */
export function behaviourOf(number: string, rules: readonly Rule[], otherwise = "answer"): string {
  const rule = rules.find(({ ending }) => number.endsWith(ending));
  if (rule !== undefined) return rule.behaviour;
  const code = /[456][0-9][0-9]$/.exec(number)?.[0];
  return code === undefined ? otherwise : `status:${code}`;
}

function soundOf(argument: string, text: string): Pick<CallScript & { kind: "answer" }, "echo" | "play" | "loop"> {
  if (argument === "" || argument === "echo") return { echo: true };
  if (argument === "tone") return { play: tone(TONE_HZ), loop: true };
  if (argument === "silence") return {};
  throw wrong(text, "answer takes echo, tone or silence");
}

function milliseconds(argument: string, text: string): number {
  const seconds = /^[0-9]{1,4}(\.[0-9]{1,3})?$/.test(argument) ? Number(argument) : Number.NaN;
  if (!(seconds <= SECONDS_MAX)) throw wrong(text, `expected seconds, 0 to ${SECONDS_MAX}`);
  return Math.round(seconds * 1000);
}

function wrong(text: string, why: string): RangeError {
  return new RangeError(`${JSON.stringify(text.slice(0, 80))}: ${why}`);
}
