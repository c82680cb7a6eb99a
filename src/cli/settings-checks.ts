/** What the settings have to be among themselves, beyond the limits of each one. */

import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { GatewayConfig } from "../base/gateway-config.ts";
import { parseOperatorKey } from "../store/secrets.ts";
import { edgeProblems } from "../trunking/edge-plan.ts";
import type { ConfigPath, ConfigProblem } from "./config-document.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Makes paths of files absolute: those of the file are relative to it. */
export function resolveFiles(settings: GatewayConfig, configFile: string): GatewayConfig {
  const folder = dirname(resolve(configFile));
  const at = (path: string): string => resolve(folder, path);
  const orNull = (path: string | null): string | null => (path === null ? null : at(path));
  const { tls, media, streams, webhooks, auth, store, cnam, records, recordings, voiceTrace } = settings;
  return {
    ...settings,
    tls: {
      ...tls,
      certFile: orNull(tls.certFile),
      keyFile: orNull(tls.keyFile),
      caFile: orNull(tls.caFile),
      perDomain: tls.perDomain.map(({ name, certFile, keyFile }) => ({
        name,
        certFile: at(certFile),
        keyFile: at(keyFile),
      })),
    },
    streams: { ...streams, caFile: orNull(streams.caFile) },
    media: { ...media, holdAudio: orNull(media.holdAudio) },
    webhooks: { ...webhooks, caFile: orNull(webhooks.caFile) },
    auth: { ...auth, operatorKeyFile: orNull(auth.operatorKeyFile) },
    store: { path: orNull(store.path) },
    http: { ...settings.http, documents: orNull(settings.http.documents) },
    cnam: { ...cnam, file: orNull(cnam.file) },
    records: { file: orNull(records.file) },
    recordings: { ...recordings, folder: orNull(recordings.folder) },
    voiceTrace: { ...voiceTrace, folder: orNull(voiceTrace.folder) },
  } satisfies Mutable<GatewayConfig>;
}

/** @param settings - with absolute paths */
export function checkSettings(settings: GatewayConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (path: ConfigPath, message: string): void => {
    problems.push({ path, message });
  };
  const { sip, tls, media, auth } = settings;

  if (sip.udpPort === null && sip.tcpPort === null && (sip.tlsPort === null || tls.certFile === null))
    add(["sip"], "no transport is left: give udpPort, tcpPort, or tlsPort with tls.certFile");
  if ((tls.certFile === null) !== (tls.keyFile === null)) add(["tls"], "certFile and keyFile belong together");
  if (tls.clientCertificates !== "off" && tls.caFile === null)
    add(["tls", "clientCertificates"], "certificates of clients are checked by the authorities of tls.caFile: give it");
  if (tls.perDomain.length > 0 && tls.certFile === null)
    add(["tls", "perDomain"], "certificates by name need certFile and keyFile for all other names");

  const anyPorts = media.portMin === 0 && media.portMax === 0;
  if (!anyPorts && media.portMin < 1024)
    add(["media", "portMin"], "expected a port of at least 1024, or 0 for both ends");
  else if (!anyPorts && media.portMax - media.portMin < 3)
    add(["media", "portMax"], "expected at least 3 above portMin: a call needs two pairs of ports");

  if (auth.operatorKey !== null && parseOperatorKey(auth.operatorKey) === null)
    add(["auth", "operatorKey"], "expected 32 octets in hex or base64; make one with: openssl rand -base64 32");

  for (const { index, key, text } of edgeProblems(settings)) add(["edges", index, key], text);
  for (const [path, file] of filesOf(settings))
    if (file !== null && !existsSync(file)) add(path, `there is no file ${file}`);
  return problems;
}

/** Files that have to be there at start. The data file and its key may be made. */
function filesOf({ tls, media, streams, webhooks, auth }: GatewayConfig): [ConfigPath, string | null][] {
  return [
    [["tls", "certFile"], tls.certFile],
    [["tls", "keyFile"], tls.keyFile],
    [["tls", "caFile"], tls.caFile],
    ...tls.perDomain.flatMap(({ certFile, keyFile }, index): [ConfigPath, string][] => [
      [["tls", "perDomain", index, "certFile"], certFile],
      [["tls", "perDomain", index, "keyFile"], keyFile],
    ]),
    [["media", "holdAudio"], media.holdAudio],
    [["streams", "caFile"], streams.caFile],
    [["webhooks", "caFile"], webhooks.caFile],
    [["auth", "operatorKeyFile"], auth.operatorKeyFile],
  ];
}
