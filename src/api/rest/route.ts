/** What a REST resource is made of: routes, each a method, a path and a function. The server adds authentication and errors. */

import type { Readable } from "node:stream";
import type { Clock } from "../../base/clock.ts";
import type { StaticIpConfig } from "../../base/gateway-config.ts";
import type { AlertLog } from "../../calls/alert-log.ts";
import type { Viewer } from "../../calls/call-stories.ts";
import type { CallTable } from "../../calls/call-table.ts";
import type { EdgeDirectory } from "../../calls/edge-directory.ts";
import type { PlaceCall } from "../../calls/place-call.ts";
import type { KeptAudio } from "../../calls/recording/kept-audio.ts";
import type { TestTrunk } from "../../calls/test-trunk.ts";
import type { Usage } from "../../calls/usage.ts";
import type { Secrets } from "../../store/secrets.ts";
import type { Store } from "../../store/store.ts";
import type { EdgeTable } from "../../trunking/edges.ts";
import type { Account } from "../../trunking/records.ts";
import type { Parameters } from "./parameters.ts";

/** The part of the call layer that makes calls. */
export interface VoiceAccess {
  readonly place: PlaceCall;
  /** False while the gateway is full or is going out of service. */
  readonly takesCalls: () => boolean;
  /** Calls a number of a trunk, for its self test (R-GEN-9). */
  readonly test: TestTrunk;
}

/** What resources work on. */
export interface RestContext {
  readonly store: Store;
  readonly calls: CallTable;
  readonly alerts: AlertLog;
  readonly voice: VoiceAccess;
  readonly usage: Usage;
  readonly secrets: Secrets;
  readonly clock: Clock;
  /** DNS suffix of trunk and SIP domains. */
  readonly baseDomain: string;
  readonly edges: EdgeTable;
  readonly edgeDirectory: EdgeDirectory;
  /** Symmetric RTP of what is created without saying. */
  readonly symmetricDefault: boolean;
  /** Recordings and voice traces. */
  readonly audio: KeptAudio;
  /** Nothing may be switched on that stores audio (R-COMP-6). */
  readonly noAudioAtRest: boolean;
  /** Where IP records have to lie (R-NET-7). */
  readonly staticIp: StaticIpConfig;
  /** Whether caller ids are taken on trust (R-CID-4). */
  readonly verification: "off" | "trust";
  /** Base of absolute URLs; null: as the request was addressed. */
  readonly publicBaseUrl: string | null;
  /** Where calls to what has no region of its own are processed, as routes tell it. */
  readonly defaultRegion: string;
}

export interface RestRequest {
  /** Whose resources they are: of the credentials, or of the path. */
  readonly account: Account;
  /** Whose accounts may be named in parameters. */
  readonly viewer: Viewer;
  /** Account of the credentials, undefined for the operator. */
  readonly askerSid: string | undefined;
  /** Edge in which calls that this request makes begin, of the host or the API key; null: any (R-EDGE-9). */
  readonly edge: string | null;
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: Parameters;
  /** Value of the Range header. */
  readonly range: string | undefined;
  /** `http://host:port`, for absolute URLs. */
  readonly base: string;
}

export interface RestReply {
  readonly status: number;
  /** Absent with 204, and where there is a stream. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly stream?: Readable;
}

export interface RestRoute {
  readonly method: "GET" | "POST" | "DELETE";
  /** As fastify wants it: `/v1/Trunks/:trunk`. */
  readonly path: string;
  /**
   * POST and DELETE have their turn one after the other, so that what they read of the store stays so until they have written. False
   * for those that write nothing, or that wait for something else than the store.
   */
  readonly writesRecords?: false;
  /** Not for API keys: it manages accounts or keys. */
  readonly noKeys?: true;
  /** Writes for an account that is suspended too, since this is how it is brought back. */
  readonly evenSuspended?: true;
  readonly handle: (request: RestRequest) => RestReply | Promise<RestReply>;
}

/** Where the resources of an account of 2010-04-01 are. */
export const ACCOUNT = "/2010-04-01/Accounts/:account";

export const ok = (body: object): RestReply => ({ status: 200, body });
export const created = (body: object): RestReply => ({ status: 201, body });
export const deleted: RestReply = { status: 204 };
