/** The REST resources on a real port, and the unmodified `twilio` client in front of them. */
import type { FastifyInstance } from "fastify";
import twilio from "twilio";
import { HttpAuth } from "../../src/api/auth.ts";
import { newHttpServer } from "../../src/api/new-http-server.ts";
import { addOpenApiRoute } from "../../src/api/openapi-route.ts";
import { restRoutes } from "../../src/api/rest/index.ts";
import { addRestRoutes } from "../../src/api/rest/rest-server.ts";
import type { RestContext, RestRoute } from "../../src/api/rest/route.ts";
import { silentLog } from "../../src/base/log.ts";
import { AlertLog } from "../../src/calls/alert-log.ts";
import { Call } from "../../src/calls/call.ts";
import { CallTable } from "../../src/calls/call-table.ts";
import type { CallOrder } from "../../src/calls/place-call.ts";
import type { KeptAudio } from "../../src/calls/recording/kept-audio.ts";
import { Usage } from "../../src/calls/usage.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { Secrets } from "../../src/store/secrets.ts";
import type { Store } from "../../src/store/store.ts";
import { EdgeTable } from "../../src/trunking/edges.ts";
import { edgeDirectory } from "./edges.ts";
import { keptAudio } from "./kept-audio.ts";
import { ManualClock } from "./manual-clock.ts";

export const BASE_DOMAIN = "voice.test";
export const ACCOUNT = { sid: `AC${"1".repeat(32)}`, token: "token-of-the-first-account" };
export const SUB_ACCOUNT = { sid: `AC${"2".repeat(32)}`, token: "token-of-its-sub-account" };
export const OTHER_ACCOUNT = { sid: `AC${"3".repeat(32)}`, token: "token-of-another-account" };

export interface RestStage {
  readonly url: string;
  readonly store: Store;
  readonly calls: CallTable;
  readonly alerts: AlertLog;
  /** Calls that were asked for; nothing places them here. */
  readonly placed: CallOrder[];
  takesCalls: boolean;
  readonly secrets: Secrets;
  readonly clock: ManualClock;
  readonly server: FastifyInstance;
  readonly routes: readonly RestRoute[];
  /** Parameters that a handler has read otherwise than their description says. */
  readonly misread: ReadonlySet<string>;
  readonly audio: KeptAudio;
  stop(): Promise<void>;
}

export async function startRest(
  store: Store = new MemoryStore(),
  options: Partial<Pick<RestContext, "noAudioAtRest" | "verification" | "staticIp" | "baseDomain">> & {
    /** Folder of recordings and voice traces; default: none. */
    readonly audioFolder?: string;
    /** Those of the store, where it has some. */
    readonly secrets?: Secrets;
  } = {},
): Promise<RestStage> {
  const clock = new ManualClock();
  const date = clock.wallTime().toISOString();
  const account = (one: { sid: string; token: string }, parentSid: string | null) =>
    ({
      kind: "accounts",
      put: {
        sid: one.sid,
        friendlyName: one.sid,
        parentSid,
        authToken: one.token,
        dateCreated: date,
        dateUpdated: date,
      },
    }) as const;
  if (store.get("accounts", ACCOUNT.sid) === undefined)
    await store.apply([account(ACCOUNT, null), account(SUB_ACCOUNT, ACCOUNT.sid), account(OTHER_ACCOUNT, null)]);
  const server = newHttpServer();
  const secrets = options.secrets ?? Secrets.ephemeral();
  const calls = new CallTable();
  const { audioFolder = null, ...more } = options;
  const alerts = new AlertLog(clock, silentLog);
  const audio = keptAudio(store, clock, { folder: audioFolder, noAudioAtRest: options.noAudioAtRest ?? false, alerts });
  const stage = {
    url: "",
    store,
    calls,
    alerts,
    placed: [] as CallOrder[],
    takesCalls: true,
    secrets,
    clock,
    server,
    routes: [] as RestRoute[],
    misread: new Set<string>(),
    audio,
    stop: () => server.close(),
  };
  const ctx: RestContext = {
    edgeDirectory: edgeDirectory(clock, calls),
    store,
    calls,
    alerts,
    usage: new Usage(),
    voice: {
      place: (order) => {
        stage.placed.push(order);
        const { accountSid, from, to } = order;
        const call = new Call({ accountSid, direction: "outbound-api", from, to }, clock, (error) => {
          throw error;
        });
        calls.add(call);
        return call;
      },
      takesCalls: () => stage.takesCalls,
      test: async () => {
        throw new Error("nothing is tested here");
      },
    },
    secrets,
    clock,
    baseDomain: BASE_DOMAIN,
    edges: new EdgeTable(),
    symmetricDefault: false,
    noAudioAtRest: false,
    verification: "trust",
    staticIp: { ranges: [], anywhere: true, edges: [] },
    publicBaseUrl: null,
    defaultRegion: "us1",
    audio,
    ...more,
  };
  const routes = restRoutes(ctx);
  stage.routes.push(...routes);
  addRestRoutes(server, ctx, new HttpAuth(store, secrets.operatorToken, clock), silentLog, routes, (text) =>
    stage.misread.add(text),
  );
  addOpenApiRoute(server, routes);
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  stage.url = url;
  return stage;
}

/** The client as its users have it, but for the addresses of the products. */
export function clientFor(stage: RestStage, account = ACCOUNT, token = account.token): ReturnType<typeof twilio> {
  const client = twilio(account.sid, token);
  for (const product of [client.trunking, client.voice, client.api, client.routes, client.insights, client.monitor])
    product.baseUrl = stage.url;
  return client;
}
