/**
 * The objects of a configuration file: accounts, trunks, numbers and the rest, as people write them. They name each other
 * by name; `declared-checks.ts` finds names that lead nowhere, `declare.ts` makes records of them.
 */

import { z } from "zod";
import type { HttpMethod } from "../base/http.ts";
import { readPassedHeader } from "../trunking/passed-headers.ts";
import {
  bool,
  E164,
  int,
  LABEL,
  list,
  nullable,
  oneOf,
  RANGE,
  readE164,
  readHost,
  readInt,
  readLabel,
  readRange,
  readText,
  readUrl,
  scalar,
  URL_TEXT,
} from "./config-scalars.ts";

const MAP_EXPECTED = "expected a map";
const OBJECTS_MAX = 10_000;

function object<S extends z.ZodRawShape>(shape: S) {
  return z.strictObject(shape, { error: MAP_EXPECTED });
}

const nameOf = (most: number) => scalar(`text of at most ${most} characters`, readText(most));
const reference = () => nullable("a name", readText(255));
const references = () => list(scalar("a name", readText(255)), 100);
const url = () => nullable(URL_TEXT, readUrl);
const method = () => oneOf<HttpMethod>("GET", "POST").default("POST");
const label = () => scalar(LABEL, readLabel);
const account = reference;

const accountSchema = object({
  name: nameOf(64),
  sid: nullable("AC and 32 hex digits", (text) => (/^AC[0-9a-f]{32}$/.test(text) ? text : undefined)),
  authToken: scalar("a secret of 16 to 128 characters", (text) =>
    text.length >= 16 ? readText(128)(text) : undefined,
  ),
  parent: reference(),
});

const aclSchema = object({
  name: nameOf(255),
  account: account(),
  addresses: list(scalar(RANGE, readRange), 100),
});

const credentialSchema = object({
  username: scalar("text of at most 32 characters", readText(32)),
  password: scalar("a password", readText(128)),
});

const credentialListSchema = object({
  name: nameOf(64),
  account: account(),
  credentials: list(credentialSchema, 1000),
});

const linkShape = {
  trusted: bool(false),
  passHeaders: list(
    scalar("User-to-User, Identity, X-Name, X-Begin* or a charging header of RFC 7315", readPassedHeader),
    50,
  ),
  userPhone: bool(false),
  infoDigits: oneOf("off", "without-events", "always").default("off"),
};
const certificateNames = () =>
  list(
    scalar("a domain name", (text) => readHost(text)?.toLowerCase()),
    100,
  );
const optionsSeconds = () => nullable("a whole number from 0 to 3600", readInt(0, 3600));

const targetShape = {
  name: nullable("text of at most 64 characters", readText(64)),
  url: scalar("a SIP URI", readText(2048)),
  priority: int(0, 65_535).default(10),
  // 0 is for trunks only; the check of the objects says so with better words.
  weight: int(0, 65_535).default(10),
  enabled: bool(true),
  optionsSeconds: optionsSeconds(),
};

// One more than allowed gets through here, so that the limit of ten is told with its requirement.
const targets = () => list(object(targetShape), 1000);

const policySchema = object({
  name: nameOf(255),
  account: account(),
  optionsSeconds: optionsSeconds(),
  targets: targets(),
});

const voiceShape = {
  voiceUrl: url(),
  voiceMethod: method(),
  voiceFallbackUrl: url(),
  voiceFallbackMethod: method(),
};

const statusShape = {
  statusCallbackUrl: url(),
  statusCallbackMethod: method(),
};

const registrationSchema = object({
  registrar: scalar("a SIP URI", readText(2048)),
  user: nullable("text of at most 128 characters", readText(128)),
  expiresSeconds: int(60, 86_400).default(3600),
});

const byocTrunkSchema = object({
  name: nameOf(255),
  account: account(),
  ...voiceShape,
  ...statusShape,
  cnamLookup: bool(false),
  connectionPolicy: reference(),
  fromDomain: reference(),
  defaultCarrier: bool(false),
  registration: registrationSchema.nullable().default(null),
  targetUsername: nullable("text of at most 128 characters", readText(128)),
  targetPassword: nullable("a password", readText(128)),
  tlsVerify: bool(true),
  ...linkShape,
});

const sipDomainSchema = object({
  domain: label(),
  account: account(),
  name: nullable("text of at most 64 characters", readText(64)),
  byocTrunk: reference(),
  secure: bool(false),
  symmetricRtp: nullable("true or false", (text) => (text === "true" ? true : text === "false" ? false : undefined)),
  ipAccessControlLists: references(),
  certificateNames: certificateNames(),
  credentialLists: references(),
  ...voiceShape,
});

const carrierLinkSchema = object({
  byocTrunk: reference(),
  trunk: reference(),
  url: url(),
  method: method(),
});

const trunkSchema = object({
  name: nameOf(64),
  account: account(),
  domain: nullable(LABEL, readLabel),
  secure: bool(false),
  symmetricRtp: nullable("true or false", (text) => (text === "true" ? true : text === "false" ? false : undefined)),
  cnamLookup: bool(false),
  transferMode: oneOf("disable-all", "sip-only", "enable-all").default("disable-all"),
  transferCallerId: oneOf("from-transferee", "from-transferor").default("from-transferee"),
  disasterRecoveryUrl: url(),
  disasterRecoveryMethod: method(),
  ipAccessControlLists: references(),
  certificateNames: certificateNames(),
  credentialLists: references(),
  carrierLink: carrierLinkSchema.nullable().default(null),
  callerIdPolicy: oneOf("owned", "any").default("owned"),
  callsPerSecondMax: nullable("a whole number from 1 to 10000", readInt(1, 10_000)),
  concurrentCallsMax: nullable("a whole number from 1 to 1000000", readInt(1, 1_000_000)),
  destinationAllowList: list(
    scalar("the beginning of a number such as +44", (text) => (/^\+[0-9]{1,15}$/.test(text) ? text : undefined)),
    10_000,
  ),
  tlsVerify: bool(true),
  recordingMode: oneOf(
    "do-not-record",
    "record-from-ringing",
    "record-from-answer",
    "record-from-ringing-dual",
    "record-from-answer-dual",
  ).default("do-not-record"),
  recordingTrim: oneOf("do-not-trim", "trim-silence").default("do-not-trim"),
  ...linkShape,
  optionsSeconds: optionsSeconds(),
  originationUrls: targets(),
});

const phoneNumberSchema = object({
  number: scalar(E164, readE164),
  account: account(),
  name: nullable("text of at most 64 characters", readText(64)),
  trunk: reference(),
  ...voiceShape,
  ...statusShape,
});

const callerIdSchema = object({
  number: scalar(E164, readE164),
  account: account(),
  name: nullable("text of at most 64 characters", readText(64)),
});

/** Every kind of object, each a list that may be left out. */
export const declaredShape = {
  accounts: list(accountSchema, OBJECTS_MAX),
  ipAccessControlLists: list(aclSchema, OBJECTS_MAX),
  credentialLists: list(credentialListSchema, OBJECTS_MAX),
  connectionPolicies: list(policySchema, OBJECTS_MAX),
  byocTrunks: list(byocTrunkSchema, OBJECTS_MAX),
  sipDomains: list(sipDomainSchema, OBJECTS_MAX),
  trunks: list(trunkSchema, OBJECTS_MAX),
  phoneNumbers: list(phoneNumberSchema, OBJECTS_MAX),
  outgoingCallerIds: list(callerIdSchema, OBJECTS_MAX),
};

const declaredSchema = z.strictObject(declaredShape);

/** The objects as read; names not yet resolved. */
export type DeclaredObjects = z.output<typeof declaredSchema>;
export type DeclaredTarget = DeclaredObjects["trunks"][number]["originationUrls"][number];

/** Keys whose values are never shown. */
export const SECRET_KEYS: ReadonlySet<string> = new Set(["authToken", "password", "targetPassword", "operatorKey"]);
