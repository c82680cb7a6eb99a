/** What the configuration says, in the words of each part: pure but for the files of keys and certificates. */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { ConfigError, messageOf } from "../base/errors.ts";
import type { GatewayConfig } from "../base/gateway-config.ts";
import type { CallSettings } from "../calls/call-context.ts";
import { readHoldAudio } from "../calls/hold-audio.ts";
import type { LocalEdges } from "../calls/local-edges.ts";
import type { SchedulerOptions } from "../scheduler/scheduler.ts";
import type { KeepAlive, ListenOptions, SipStackOptions, TlsOptions } from "../sip/sip-stack.ts";
import { AddressGuard } from "../voice/ssrf.ts";
import type { WebhookOptions } from "../voice/webhook.ts";

/** @throws ConfigError for a certificate or key that cannot be read */
export function sipOptions(config: GatewayConfig, edges: LocalEdges) {
  const { sip } = config;
  return {
    listen: listenOptions(edges),
    ...tlsOptions(config),
    timers: { t1Ms: sip.t1Ms },
    dscp: sip.dscp,
    udpRequestBytesMax: sip.udpMaxRequestBytes,
    connectTimeoutMs: sip.connectTimeoutMs,
    connectionsMax: sip.connectionsMax,
    connectionsPerSourceMax: sip.connectionsPerSourceMax,
    connectionsReserved: Math.min(sip.connectionsReserved, sip.connectionsMax - 1),
    ...keepAlive(config),
    dnsServers: sip.dnsServers,
    naptr: sip.naptr,
    watchDestinations: sip.watchDestinations,
    reliable: sip.reliableProvisional,
    sessionTimer: sessionTimer(config),
    userAgentName: sip.productName,
    symmetric: sip.symmetricSignalling,
    extensions: ["replaces", "norefersub"],
  } satisfies Partial<SipStackOptions>;
}

export function mediaOptions(config: GatewayConfig, edges: LocalEdges) {
  const { media, streams } = config;
  return {
    workerCount: media.workers === "auto" ? Math.max(1, availableParallelism() - 1) : media.workers,
    legCountMax: media.legsPerWorker,
    portMin: media.portMin,
    portMax: media.portMax,
    portRanges: edges.all.map(({ media: { address, portMin, portMax } }) => ({ address, portMin, portMax })),
    datagrams: media.datagrams,
    dscp: media.dscp,
    stream: { ...streams, caPem: readPem(streams.caFile) },
  } satisfies Partial<SchedulerOptions>;
}

export function webhookOptions({ webhooks }: GatewayConfig): Omit<WebhookOptions, "clock"> {
  const allowed = webhooks.allowPrivateAddresses;
  return {
    guard: new AddressGuard({ allowAll: allowed.includes("all"), allow: allowed.filter((range) => range !== "all") }),
    caPem: readPem(webhooks.caFile),
    connectTimeoutMs: webhooks.connectTimeoutMs,
    totalTimeoutMs: webhooks.totalTimeoutMs,
    bodyBytesMax: webhooks.bodyBytesMax,
  };
}

export function callSettings(config: GatewayConfig): CallSettings {
  const { sip, media, domains, auth, streams, srtp, termination, compliance } = config;
  return {
    baseDomain: domains.base,
    unknownDomain: sip.unknownDomain,
    realm: auth.realm ?? undefined,
    noAnswerMs: sip.noAnswerMs,
    ringLimitMs: sip.ringLimitMs,
    silentTotalMs: sip.silentTotalMs,
    callDurationMaxMs: sip.callDurationMaxMs,
    targetOptionsSeconds: sip.targetOptionsSeconds,
    callsMax: media.maxCalls ?? Number.POSITIVE_INFINITY,
    rejectStatus: sip.rejectStatus,
    shortCodes: termination.shortCodes,
    noAudioAtRest: compliance.noAudioAtRest,
    srtpOptional: srtp.optional,
    holdAudio: readHoldAudio(media.holdAudio),
    mediaTimeoutMs: media.rtpTimeoutSeconds * 1000,
    streams,
    sourcePolicy: media.symmetricDefault ? "latch" : media.sourcePolicy,
  };
}

/** What is announced by nobody is found out for each peer. */
function listenOptions({ all }: LocalEdges): ListenOptions[] {
  return all
    .flatMap(({ plan }) => plan.listen)
    .map(({ announce, ...one }) => (announce === one.address ? one : { ...one, announceAddress: announce }));
}

/** RFC 5626 §4.4.1: not all connections at one moment, and 10 s for the answer. */
function keepAlive({ sip }: GatewayConfig): { keepAlive?: KeepAlive } {
  return sip.keepAliveSeconds === 0 ? {} : { keepAlive: { intervalMs: sip.keepAliveSeconds * 1000, pongMs: 10_000 } };
}

function sessionTimer({ sip }: GatewayConfig): NonNullable<SipStackOptions["sessionTimer"]> | null {
  if (sip.sessionExpiresSeconds === 0) return null;
  // Nobody can be held to more than what is asked for.
  const minSeconds = Math.min(sip.sessionMinSeconds, sip.sessionExpiresSeconds);
  return { expiresSeconds: sip.sessionExpiresSeconds, minSeconds };
}

function tlsOptions({ tls }: GatewayConfig): { tls?: TlsOptions } {
  if (tls.certFile === null || tls.keyFile === null) return {};
  return {
    tls: {
      certPem: readPem(tls.certFile),
      keyPem: readPem(tls.keyFile),
      caPem: readPem(tls.caFile),
      allowDeprecated: tls.allowDeprecated,
      clientCertificates: tls.clientCertificates,
      wildcards: tls.wildcards,
      perDomain: new Map(
        tls.perDomain.map(({ name, certFile, keyFile }) => [
          name,
          { certPem: readPem(certFile), keyPem: readPem(keyFile) },
        ]),
      ),
    },
  };
}

export function readPem(file: string | null): string {
  if (file === null) return "";
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(`${file}: cannot be read: ${messageOf(error)}`);
  }
}
