/**
 * What each decision means for whoever has to mend it: cause and cure, one or two sentences each. The key is the code that
 * the decision was noted with; the weight says which of several decides the end of a call.
 */

import { huntFailure, type Told, targetFailure } from "./target-causes.ts";
import type { StoryStep } from "./types.ts";

interface CauseRule {
  readonly weight: number;
  readonly tell: (step: StoryStep, all: readonly StoryStep[]) => Told;
}

const field = (step: StoryStep, name: string): string => String(step.fields[name] ?? "");
const fixed = (weight: number, cause: string, cure: string): CauseRule => ({ weight, tell: () => ({ cause, cure }) });
const said = (weight: number, before: string, cure: string): CauseRule => ({
  weight,
  tell: ({ text }) => ({ cause: sentence(`${before}${text}`), cure }),
});

/** Turned away before anything else was done. */
const REFUSED = 100;
/** No session description, no route, nobody took it. */
const DECIDED = 80;
const WEBHOOK = 60;
const STREAM = 40;
const MEDIA = 30;
const ATTEMPT = 20;

const RULES: ReadonlyMap<string, CauseRule> = new Map<string, CauseRule>([
  [
    "refused.password",
    {
      weight: REFUSED,
      tell: (step) => ({
        cause: `Wrong password: user "${field(step, "username")}" is in credential list "${field(step, "list")}", but the digest was made with another password.`,
        cure: `Set the same password at the caller and in credential list "${field(step, "list")}". Many wrong ones block the address for a while (auth.failuresPerMinuteMax).`,
      }),
    },
  ],
  [
    "refused.user-unknown",
    {
      weight: REFUSED,
      tell: (step) => ({
        cause: `Unknown user: no credential list of "${field(step, "domain")}" has the user "${field(step, "username")}".`,
        cure: `Add the user to credential list "${field(step, "list")}", or give the caller a user name that stands there.`,
      }),
    },
  ],
  [
    "refused.access-control-list",
    {
      weight: REFUSED,
      tell: (step) => ({
        cause: `Address not listed: the call came from ${field(step, "address")}, which is in no access control list of "${field(step, "domain")}".`,
        cure: `If that is your equipment, add ${field(step, "address")} to access control list "${field(step, "list")}"; behind NAT the public address counts. If not, it was rightly refused.`,
      }),
    },
  ],
  [
    "refused.authentication-mapped",
    {
      weight: REFUSED,
      tell: (step) => ({
        cause: `"${field(step, "domain")}" has neither an access control list nor a credential list, so nobody may call through it.`,
        cure: "Map an access control list, a credential list or both to it.",
      }),
    },
  ],
  ["refused.account", said(REFUSED, "", "Let the parent account (or the operator) set its Status to active.")],
  [
    "refused.secure",
    said(
      REFUSED,
      "",
      "Let the caller send SIP over TLS (sip.tlsPort) with SRTP, or switch `secure` off on the trunk or domain.",
    ),
  ],
  [
    "refused.called-number",
    said(REFUSED, "", "Let the caller dial + and the number with country code, or add it to termination.shortCodes."),
  ],
  [
    "refused.caller-id-form",
    said(REFUSED, "", "Let the caller send its number with + and country code in From or P-Asserted-Identity."),
  ],
  [
    "refused.caller-id-owned",
    said(
      REFUSED,
      "",
      "Use a number of the account as caller id, verify this one, or set callerIdPolicy: any on the trunk.",
    ),
  ],
  [
    "refused.destination",
    said(REFUSED, "", "Add the prefix to the trunk's destination allow list, if such calls are wanted."),
  ],
  [
    "refused.limits",
    said(
      REFUSED,
      "",
      "Raise the limit of the trunk, or sip.callsPerSecondMax where it was the gateway's, or let the caller spread its calls; it may try again after a second.",
    ),
  ],
  [
    "refused.hops",
    said(
      REFUSED,
      "",
      "Look for routes that lead back to where a call came from; let the caller begin with Max-Forwards 70.",
    ),
  ],
  ["refused.privacy", said(REFUSED, "", "Let the caller leave out the Privacy value that is marked critical.")],
  [
    "refused.domain",
    {
      weight: REFUSED,
      tell: (step) => ({
        cause: `No trunk or SIP domain is called ${field(step, "host")}${field(step, "outcome") === "drop" ? ", so the INVITE got no answer" : ""}.`,
        cure: `Let the caller send to NAME.pstn.${field(step, "base") || "BASE"} or NAME.sip.${field(step, "base") || "BASE"} in the Request-URI; an IP address there names nothing.`,
      }),
    },
  ],
  [
    "refused.blocked",
    said(REFUSED, "No answer was given: ", "Mend the password at the caller and wait for auth.blockSeconds to pass."),
  ],
  [
    "refused.stranger-rate",
    said(
      REFUSED,
      "No answer was given: ",
      "Add the address to an access control list, or let the caller authenticate; sip.strangerBurst is the limit.",
    ),
  ],
  ["unreadable", said(REFUSED, "The INVITE cannot be used: ", "Mend the header that is named at the caller.")],
  [
    "overload",
    said(
      REFUSED,
      "The gateway takes no more calls: ",
      "Wait, add workers or another gateway, or raise media.maxCalls if the machine can bear it.",
    ),
  ],
  [
    "challenged",
    {
      weight: ATTEMPT,
      tell: (step) => ({
        cause: `The caller was asked for credentials${field(step, "realm") === "" ? "" : ` of realm ${field(step, "realm")}`} (407) and never came back with any.`,
        cure: "Set user name and password at the caller, and let it answer 407 Proxy Authentication Required.",
      }),
    },
  ],
  [
    "challenged.stale",
    fixed(
      ATTEMPT,
      "The caller's nonce was too old, and it did not try again with the new one.",
      "Let the caller answer stale=true, or raise auth.nonceSeconds.",
    ),
  ],
  [
    "sdp.no-codec",
    said(DECIDED, "No common codec: ", "Enable G.711 (PCMU or PCMA) at the caller; the gateway speaks no other codec."),
  ],
  ["sdp.no-audio", said(DECIDED, "", "Let the caller offer audio.")],
  [
    "sdp.srtp-required",
    said(
      DECIDED,
      "The trunk is secure, but no SRTP was offered: ",
      "Switch SRTP with SDES on at the caller, or `secure` off on the trunk.",
    ),
  ],
  [
    "sdp.srtp-not-enabled",
    said(
      DECIDED,
      "SRTP was offered to a trunk that is not secure: ",
      "Switch `secure` on on the trunk, SRTP off at the caller, or set srtp.optional.",
    ),
  ],
  [
    "sdp.no-acceptable-crypto",
    said(DECIDED, "", "Let the caller offer AES_CM_128_HMAC_SHA1_80 or _32 by SDES, without MKI."),
  ],
  [
    "media.none",
    said(
      DECIDED,
      "No media could be had: ",
      "See that ports (media.portMin, media.portMax), legs and workers suffice, and in the log for a worker that died.",
    ),
  ],
  ["route.none", said(DECIDED, "", "Give the trunk a carrierLink, or mark a BYOC trunk as defaultCarrier.")],
  ["route.no-target", said(DECIDED, "", "Add or enable a target.")],
  ["route.no-voice-url", said(DECIDED, "", "Set a voiceUrl on the number, the BYOC trunk or the SIP domain.")],
  [
    "redirect.refused",
    said(DECIDED + 1, "", "Let the target redirect to a place that redirect.reach allows, once, or call that place."),
  ],
  ["hunt.failed", { weight: DECIDED, tell: (_step, all) => huntFailure(attemptsOf(all)) }],
  [
    "webhook.failed",
    said(
      WEBHOOK,
      "The voice webhook failed: ",
      "See that the application is up, answers below 400 within webhooks.totalTimeoutMs, and may be reached (webhooks.allowPrivateAddresses); set a fallback URL.",
    ),
  ],
  [
    "twiml.invalid",
    said(
      WEBHOOK,
      "The webhook's answer is no TwiML: ",
      "Let the application answer with a <Response> document as text/xml.",
    ),
  ],
  ["webhook.none", said(WEBHOOK - 1, "", "See the log of the application.")],
  [
    "transfer.refused",
    said(
      STREAM - 1,
      "",
      "Allow transfers on the trunk (transferMode), and let REFER name a number or a place that may be called.",
    ),
  ],
  ["replaces.refused", said(DECIDED, "", "Let the caller name a call of the same trunk that is up.")],
  ["answer.unusable", said(DECIDED - 1, "", "Let the far end answer with formats out of our offer, as RFC 3264 says.")],
  ["media.unjoined", said(MEDIA, "", "See the log of the gateway for the media worker.")],
  ["route.bad-target", said(ATTEMPT + 1, "", "Correct the target in the TwiML, or the trunk that it names.")],
  [
    "stream.failed",
    said(
      STREAM,
      "A media stream failed: ",
      "See that the WebSocket consumer is up, takes the upgrade and reads fast enough.",
    ),
  ],
  [
    "srtp.failing",
    said(MEDIA, "", "Let the far end use the key of its own SDP; look for an intermediary that changes SDP."),
  ],
  ["srtp.lifetime", said(MEDIA + 1, "", "Let the far end offer a new key in time, or name no lifetime in a=crypto.")],
  [
    "media.none-came",
    said(
      MEDIA,
      "No audio came: ",
      "See that the far end can send to the media ports; behind NAT set symmetricRtp and media.announce.",
    ),
  ],
  [
    "ended.media-silent",
    said(
      MEDIA + 1,
      "The call was ended: ",
      "See that audio can reach the media ports; media.rtpTimeoutSeconds is the limit.",
    ),
  ],
  [
    "ended.worker-lost",
    said(MEDIA + 2, "The call was ended: ", "See the log for why the media worker ended, and report it."),
  ],
]);

/** Alerts that no decision tells of. */
const ALERT_CURES: ReadonlyMap<string, string> = new Map([
  ["alert.12400", "See the log of the gateway."],
  ["alert.32015", "Raise sip.callDurationMaxMs if calls may be longer."],
  ["alert.32218", "Allow transfers on the trunk (transferMode), if they are wanted."],
]);

/** What a step means, or undefined when it is no failure. */
export function causeOf(step: StoryStep, all: readonly StoryStep[]): (Told & { readonly weight: number }) | undefined {
  const rule = RULES.get(step.code);
  if (rule !== undefined) return { ...rule.tell(step, all), weight: rule.weight };
  if (step.code.startsWith("target.") && isFailedAttempt(step)) return { ...targetFailure(step), weight: ATTEMPT };
  if (step.code.startsWith("sdp.") && step.code !== "sdp.chosen")
    return {
      cause: `The session description cannot be used: ${step.text}.`,
      cure: "Let the caller offer audio in PCMU or PCMA as RFC 8866 and RFC 3264 say.",
      weight: DECIDED,
    };
  if (step.code.startsWith("refused.")) return { cause: sentence(step.text), cure: "", weight: REFUSED };
  if (step.step === "alert" && step.fields["level"] === "error")
    return { cause: sentence(step.text), cure: ALERT_CURES.get(step.code) ?? "", weight: 10 };
  return undefined;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Attempts that failed, in order. */
export function attemptsOf(steps: readonly StoryStep[]): StoryStep[] {
  return steps.filter(isFailedAttempt);
}

function isFailedAttempt({ code }: StoryStep): boolean {
  return (
    code === "target.status" || code === "target.silent" || code === "target.unreachable" || code === "target.media"
  );
}
