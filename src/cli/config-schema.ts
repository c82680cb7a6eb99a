/**
 * The settings of the configuration file with their limits and defaults. What a key means is told at its type in
 * `base/gateway-config.ts`; the objects (trunks, numbers …) are in `declared-schema.ts`.
 */

import { z } from "zod";
import type { GatewayConfig } from "../base/gateway-config.ts";
import { DSCP_MEDIA, DSCP_SIGNALLING } from "../base/service-mark.ts";
import {
  ADDRESS,
  bool,
  HOST,
  int,
  list,
  NAME_SERVER,
  nullable,
  oneOf,
  portOrOff,
  RANGE,
  readAddress,
  readHost,
  readInt,
  readNameServer,
  readRange,
  readText,
  readUrl,
  scalar,
  URL_TEXT,
} from "./config-scalars.ts";

export const MAP_EXPECTED = "expected a map of settings";

const FILE = "the path of a file";
const file = () => nullable(FILE, readText(1024));
const address = () => scalar(ADDRESS, readAddress);

function section<S extends z.ZodRawShape>(shape: S) {
  return z.strictObject(shape, { error: MAP_EXPECTED });
}

const domains = section({
  base: scalar(HOST, readHost).default("tandem.local"),
});

const sip = section({
  address: address().default("0.0.0.0"),
  announce: nullable(ADDRESS, readAddress),
  udpPort: portOrOff(5060),
  tcpPort: portOrOff(5060),
  tlsPort: portOrOff(5061),
  unknownDomain: oneOf("drop", "404").default("drop"),
  udpMaxRequestBytes: int(500, 65_000, "octets").default(1300),
  t1Ms: int(50, 10_000, "ms").default(500),
  connectTimeoutMs: int(100, 30_000, "ms").default(2000),
  connectionsMax: int(1, 1_000_000).default(20_000),
  connectionsPerSourceMax: int(1, 1_000_000).default(1000),
  connectionsReserved: int(0, 1_000_000).default(2000),
  keepAliveSeconds: int(0, 3600, "s").default(120),
  dscp: int(0, 63).default(DSCP_SIGNALLING),
  targetOptionsSeconds: int(0, 3600, "s").default(0),
  dnsServers: list(scalar(NAME_SERVER, readNameServer), 3),
  naptr: bool(false),
  watchDestinations: bool(false),
  sessionExpiresSeconds: scalar("0 for none, or 90 to 86400 s", (text) => {
    const seconds = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
    return seconds === 0 || (seconds >= 90 && seconds <= 86_400) ? seconds : undefined;
  }).default(1800),
  sessionMinSeconds: int(90, 86_400, "s").default(90),
  reliableProvisional: bool(true),
  symmetricSignalling: bool(true),
  productName: scalar("text of at most 100 printable characters", (text) =>
    /^[\x20-\x7e]{0,100}$/.test(text) ? text : undefined,
  ).default("Tandem"),
  noAnswerMs: int(100, 32_000, "ms").default(4000),
  ringLimitMs: int(1000, 600_000, "ms").default(60_000),
  silentTotalMs: int(1000, 600_000, "ms").default(40_000),
  callDurationMaxMs: int(1000, 86_400_000, "ms").default(14_400_000),
  rejectStatus: scalar("404 or 603", (text) => (text === "404" ? 404 : text === "603" ? 603 : undefined)).default(404),
  optionsBurst: int(1, 1000).default(5),
  optionsRefillMs: int(10, 600_000, "ms").default(10_000),
  overloadLagMs: int(0, 10_000, "ms").default(50),
  callsPerSecondMax: nullable("a whole number from 1 to 10000", readInt(1, 10_000)),
  strangerBurst: int(1, 100_000).default(200),
  strangerRefillMs: int(1, 600_000, "ms").default(20),
});

const certificate = section({
  name: scalar("a domain name, or *. and a domain name", (text) =>
    readHost(text.startsWith("*.") ? text.slice(2) : text) === undefined ? undefined : text.toLowerCase(),
  ),
  certFile: scalar(FILE, readText(1024)),
  keyFile: scalar(FILE, readText(1024)),
});

const tls = section({
  certFile: file(),
  keyFile: file(),
  perDomain: list(certificate, 1000),
  caFile: file(),
  clientCertificates: oneOf("off", "request", "require").default("off"),
  wildcards: bool(true),
  allowDeprecated: bool(false),
});

const http = section({
  address: address().default("127.0.0.1"),
  port: portOrOff(8080),
  publicBaseUrl: nullable(URL_TEXT, readUrl),
  documents: nullable("the path of a folder", readText(1024)),
});

const media = section({
  address: nullable(ADDRESS, readAddress),
  announce: nullable(ADDRESS, readAddress),
  portMin: int(0, 65_534).default(10_000),
  portMax: int(0, 65_535).default(60_000),
  workers: scalar<number | "auto">('"auto" or a number from 1 to 256', (text) =>
    text === "auto" ? "auto" : readInt(1, 256)(text),
  ).default("auto"),
  legsPerWorker: int(2, 65_536).default(2048),
  dscp: int(0, 63).default(DSCP_MEDIA),
  datagrams: oneOf("auto", "batched", "dgram").default("auto"),
  maxCalls: nullable("a whole number from 1 to 1000000", readInt(1, 1_000_000)),
  symmetricDefault: bool(false),
  sourcePolicy: oneOf("negotiated", "address").default("negotiated"),
  rtpTimeoutSeconds: int(0, 86_400, "s").default(60),
  holdAudio: file(),
});

const streams = section({
  allowInsecureWs: bool(false),
  allowQuery: bool(false),
  connectTimeoutMs: int(100, 60_000, "ms").default(5000),
  upgradeTimeoutMs: int(100, 60_000, "ms").default(5000),
  maxSendBufferMs: int(20, 600_000, "ms").default(2000),
  playbackBufferSeconds: int(1, 3600, "s").default(600),
  maxMessageBytes: int(1024, 67_108_864, "octets").default(16_777_216),
  pendingMarksMax: int(1, 1_000_000).default(10_000),
  fillSilence: bool(true),
  userAgent: scalar("text of at most 200 characters", readText(200)).default("Twilio.TmeWs/1.0"),
  caFile: file(),
  tlsVerify: bool(true),
});

const webhooks = section({
  connectTimeoutMs: int(100, 60_000, "ms").default(5000),
  totalTimeoutMs: int(100, 120_000, "ms").default(15_000),
  bodyBytesMax: int(1024, 16_777_216, "octets").default(65_536),
  allowPrivateAddresses: list(
    scalar(`${RANGE}, or "all"`, (text) => (text === "all" ? text : readRange(text))),
    1000,
  ),
  caFile: file(),
});

const auth = section({
  realm: nullable("text of at most 128 characters without quotes", (text) =>
    /["\\]/.test(text) ? undefined : readText(128)(text),
  ),
  nonceSeconds: int(5, 3600, "s").default(60),
  sha256: bool(false),
  failuresPerMinuteMax: int(1, 10_000).default(10),
  blockSeconds: int(1, 86_400, "s").default(60),
  operatorKeyFile: file(),
  operatorKey: nullable("32 octets in hex or base64", readText(128)),
});

const edgePort = () =>
  nullable<number | "off">('a port from 0 to 65535, or "off"', (text) =>
    text === "off" ? "off" : readInt(0, 65_535)(text),
  );

const edgeName = scalar("a name of letters, digits and -", (text) =>
  /^[a-z0-9-]{1,63}$/i.test(text) ? text.toLowerCase() : undefined,
);

const edge = section({
  name: edgeName,
  region: nullable("a name of letters and digits", (text) =>
    /^[a-z0-9]{1,32}$/i.test(text) ? text.toLowerCase() : undefined,
  ),
  listen: list(address(), 16),
  announce: list(address(), 16),
  udpPort: edgePort(),
  tcpPort: edgePort(),
  tlsPort: edgePort(),
  addresses: list(address(), 64),
  media: section({
    address: nullable(ADDRESS, readAddress),
    announce: nullable(ADDRESS, readAddress),
    portMin: nullable("a whole number from 0 to 65534", readInt(0, 65_534)),
    portMax: nullable("a whole number from 0 to 65535", readInt(0, 65_535)),
  }).prefault({}),
  tnx: nullable("a name of letters, digits and -", (text) => (/^[a-z0-9-]{1,64}$/i.test(text) ? text : undefined)),
});

const deniedTarget = scalar("a domain name, an IP address or a range", (text) => readRange(text) ?? readHost(text));

/** All settings. Every section and key may be left out. */
export const settingsShape = {
  domains: domains.prefault({}),
  sip: sip.prefault({}),
  tls: tls.prefault({}),
  srtp: section({ optional: bool(false) }).prefault({}),
  http: http.prefault({}),
  media: media.prefault({}),
  streams: streams.prefault({}),
  webhooks: webhooks.prefault({}),
  auth: auth.prefault({}),
  termination: section({
    shortCodes: list(
      scalar("1 to 15 digits", (text) => (/^[0-9]{1,15}$/.test(text) ? text : undefined)),
      1000,
    ),
  }).prefault({}),
  redirect: section({
    reach: oneOf("public", "private", "any").default("private"),
    denied: list(deniedTarget, 1000),
  }).prefault({}),
  edges: list(edge, 64),
  store: scalar('"memory" or the path of a file', readText(1024))
    .transform((text) => ({ path: text === "memory" ? null : text }))
    .default({ path: null }),
  log: section({
    level: oneOf("debug", "info", "warn", "error", "silent").default("info"),
    format: oneOf("json", "pretty").default("json"),
  }).prefault({}),
  explain: section({
    dialogsMax: int(0, 1_000_000).default(4000),
    bytesMax: scalar("0 for none, or 1048576 to 4294967296 octets", (text) =>
      text === "0" ? 0 : readInt(1_048_576, 4_294_967_296)(text),
    ).default(33_554_432),
  }).prefault({}),
  cnam: section({
    url: nullable("an http or https URL with {number} or {digits} in it", (text) =>
      /\{(number|digits)\}/.test(text) && readUrl(text.replaceAll(/\{(number|digits)\}/g, "0")) !== undefined
        ? text
        : undefined,
    ),
    file: file(),
    timeoutMs: int(50, 1000, "ms").default(1000),
    cacheSeconds: int(1, 31_536_000, "s").default(86_400),
    cacheMax: int(1, 10_000_000).default(100_000),
  }).prefault({}),
  records: section({ file: file() }).prefault({}),
  recordings: section({
    folder: nullable("the path of a folder", readText(1024)),
    retentionHours: int(0, 876_000, "h").default(0),
    secondsMax: int(1, 86_400, "s").default(14_400),
    bytesMax: nullable("octets, 1000000 to 1000000000000000", readInt(1_000_000, 1_000_000_000_000_000)),
  }).prefault({}),
  voiceTrace: section({
    folder: nullable("the path of a folder", readText(1024)),
    retentionHours: int(1, 8760, "h").default(24),
    secondsMax: int(1, 86_400, "s").default(3600),
  }).prefault({}),
  compliance: section({ noAudioAtRest: bool(false) }).prefault({}),
  staticIp: section({
    ranges: list(scalar(RANGE, readRange), 1000),
    anywhere: bool(false),
    edges: list(edgeName, 64),
  }).prefault({}),
  verification: section({ mode: oneOf("off", "trust").default("off") }).prefault({}),
};

export const settingsSchema = z.strictObject(settingsShape, { error: MAP_EXPECTED }) satisfies z.ZodType<GatewayConfig>;
