/** Why a target did not take a call, and what helps: by the way it failed, or by its answer (RFC 3261 §21). */

import type { StoryStep } from "./types.ts";

export interface Told {
  readonly cause: string;
  readonly cure: string;
}

/** One failed attempt. */
export function targetFailure(step: StoryStep): Told {
  const { target, status, tls, dns, ms } = step.fields;
  const name = String(target ?? "the target");
  if (dns === true)
    return {
      cause: `The name of ${name} could not be resolved: ${afterColon(step.text)}.`,
      cure: "Correct the host name, or see to it that this machine's DNS knows it (dig, getent hosts).",
    };
  if (tls === true)
    return {
      cause: `TLS to ${name} failed: ${afterColon(step.text)}.`,
      cure: "Give the target a certificate for that name, add its authority to tls.caFile, or set tlsVerify: false there.",
    };
  switch (step.code) {
    case "target.silent":
      return {
        cause:
          status === 408
            ? `${name} rang, but nobody answered in time.`
            : `${name} did not answer the INVITE at all (${seconds(ms)}).`,
        cure:
          status === 408
            ? "Nothing is wrong here; sip.ringLimitMs says how long it may ring."
            : "See whether it is up and the address is right, and that no firewall drops SIP on the way.",
      };
    case "target.unreachable":
      return {
        cause: `${name} cannot be reached: ${afterColon(step.text)}.`,
        cure: "See whether it is up and listens on that address, port and transport.",
      };
    case "target.media":
      return {
        cause: `${name} answered with a session description that is no use: ${afterColon(step.text)}.`,
        cure: "Let it answer with PCMU or PCMA out of what was offered; SRTP has to agree with the switch `secure`.",
      };
  }
  return answerFailure(name, Number(status ?? 0), step);
}

function answerFailure(name: string, status: number, step: StoryStep): Told {
  const said = [step.fields["q850"], step.fields["warning"]]
    .filter((text) => text !== undefined && text !== "")
    .join("; ");
  const cause = `${name} answered ${afterColon(step.text)}${said === "" ? "" : ` (${said})`}.`;
  switch (status) {
    case 401:
    case 407:
      return { cause, cure: "It wants a user name and password: set those of this carrier on the BYOC trunk." };
    case 403:
      return {
        cause,
        cure: "It does not let us call: ask its operator to allow this gateway's address, caller id and number.",
      };
    case 404:
    case 410:
    case 484:
    case 485:
      return {
        cause,
        cure: "It does not know the number: see in which form it wants numbers, and whether this one exists.",
      };
    case 408:
    case 480:
      return { cause, cure: "The called party could not be reached there; nothing is wrong here." };
    case 486:
    case 600:
      return { cause, cure: "The called party is busy; nothing is wrong here." };
    case 415:
    case 488:
    case 606:
      return {
        cause,
        cure: "It does not take our session description: allow PCMU or PCMA there; SRTP has to agree with the switch `secure`.",
      };
    case 482:
    case 483:
      return { cause, cure: "The call went round in a circle: look where the target sends it on to." };
    case 503:
      return { cause, cure: "It is overloaded or out of order: wait, add another target, or ask its operator." };
    case 603:
    case 607:
    case 608:
      return { cause, cure: "The called party, or somebody for them, declined; nothing is wrong here." };
  }
  if (status >= 300 && status < 400)
    return {
      cause,
      cure: "It sends the call elsewhere: let it name a place that redirect.reach allows, or call that place.",
    };
  return { cause, cure: "The fault is at the target: ask its operator, with the Call-ID, what that answer means." };
}

/** Several attempts, none of which took the call. */
export function huntFailure(attempts: readonly StoryStep[]): Told {
  const [first] = attempts;
  if (first === undefined)
    return {
      cause: "There was no target to try.",
      cure: "Enable a target, or see in the story why all were left out.",
    };
  if (attempts.length === 1) return targetFailure(first);
  const names = attempts.slice(0, 4).map((step) => `${step.fields["target"]} ${shortly(step)}`);
  const more = attempts.length > 4 ? ` and ${attempts.length - 4} more` : "";
  const areDead = attempts.every(({ code }) => code === "target.silent" || code === "target.unreachable");
  return {
    cause: `None of ${attempts.length} targets took the call: ${names.join("; ")}${more}.`,
    cure: areDead
      ? "See whether they are up, whether addresses, ports and transports are right, and whether a firewall is between."
      : targetFailure(attempts.at(-1)!).cure,
  };
}

function shortly(step: StoryStep): string {
  if (step.code === "target.silent") return `said nothing for ${seconds(step.fields["ms"])}`;
  if (step.code === "target.status") return `answered ${afterColon(step.text)}`;
  if (step.fields["tls"] === true) return "failed at TLS";
  if (step.fields["dns"] === true) return "has no address";
  return step.code === "target.unreachable" ? "cannot be reached" : afterColon(step.text);
}

function seconds(ms: unknown): string {
  return typeof ms === "number" ? `${(ms / 1000).toFixed(1)} s` : "some time";
}

/** `label: text` → `text`; labels of SIP URIs have colons of their own. */
function afterColon(text: string): string {
  const at = text.indexOf(": ");
  return (at < 0 ? text : text.slice(at + 2)).replace(/connect ECONNREFUSED \S+$/, "connection refused");
}
