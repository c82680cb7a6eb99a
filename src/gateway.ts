/**
 * The composition root: builds every layer from one configuration and hands each what it needs. Nothing is decided here but
 * who knows whom, in which order things start, and in which they stop.
 */

import { HttpAuth } from "./api/auth.ts";
import { HttpServer } from "./api/http-server.ts";
import { type Clock, SystemClock } from "./base/clock.ts";
import type { GatewayConfig } from "./base/gateway-config.ts";
import type { Log } from "./base/log.ts";
import { silentLog } from "./base/log.ts";
import { AlertLog } from "./calls/alert-log.ts";
import { Authenticator } from "./calls/authenticate.ts";
import type { CallContext } from "./calls/call-context.ts";
import { CallRecords } from "./calls/call-records.ts";
import { CallStories } from "./calls/call-stories.ts";
import { CallTable } from "./calls/call-table.ts";
import { callerNames } from "./calls/caller-name-source.ts";
import type { CallerNames } from "./calls/caller-names.ts";
import { EdgeDirectory } from "./calls/edge-directory.ts";
import { IncomingCalls } from "./calls/incoming-call.ts";
import { LocalEdges } from "./calls/local-edges.ts";
import { LoopGuard } from "./calls/loop-guard.ts";
import { MediaNames } from "./calls/media-names.ts";
import { NewRequests } from "./calls/new-requests.ts";
import { OtherRequests } from "./calls/other-requests.ts";
import { Overload } from "./calls/overload.ts";
import { placeCall } from "./calls/place-call.ts";
import { KeptAudio } from "./calls/recording/kept-audio.ts";
import { Registrations } from "./calls/registration/registrations.ts";
import { SipTrace } from "./calls/sip-trace.ts";
import { TargetHealth } from "./calls/target-health.ts";
import { TargetPings } from "./calls/target-pings.ts";
import { testTrunk } from "./calls/test-trunk.ts";
import { TlsAlerts } from "./calls/tls-alerts.ts";
import { ConversationTable } from "./calls/transfer/conversation-table.ts";
import { TrunkAdmission } from "./calls/trunk-admission.ts";
import { unservedEdges } from "./calls/unserved-edges.ts";
import { Usage } from "./calls/usage.ts";
import { callSettings, mediaOptions, readPem, sipOptions, webhookOptions } from "./gateway/options.ts";
import { compileWasm } from "./media/wasm-engine.ts";
import { Scheduler } from "./scheduler/scheduler.ts";
import { type ListenAddress, SipStack } from "./sip/sip-stack.ts";
import type { Secrets } from "./store/secrets.ts";
import type { Store } from "./store/store.ts";
import { planEdges } from "./trunking/edge-plan.ts";
import { EdgeTable } from "./trunking/edges.ts";
import { CallbackQueue } from "./voice/callbacks.ts";
import { MediaFetcher } from "./voice/media-fetch.ts";
import { WebhookClient } from "./voice/webhook.ts";
import { wasmUrl } from "./wasm.ts";

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly store: Store;
  /** The key that sealed the credentials of the store. */
  readonly secrets: Secrets;
  /** Default: writes nothing. */
  readonly log?: Log;
  readonly clock?: Clock;
  /** Uniform in [0, 1); for tests. */
  readonly random?: () => number;
  /** Ended calls that are remembered; default 10 000. */
  readonly endedCallsMax?: number;
  /** URL of the WASM module; default: the one of this package. */
  readonly wasmUrl?: URL;
}

/** How long `stop` waits for calls to end before they get BYE, and how often it looks. */
const DRAIN_DEFAULT_MS = 0;
const DRAIN_STEP_MS = 200;
/** Time for BYEs to be answered and callbacks to be sent. */
const GOODBYE_MS = 2000;

export class Gateway {
  readonly calls: CallTable;
  readonly alerts: AlertLog;
  readonly store: Store;
  readonly #config: GatewayConfig;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #edges: LocalEdges;
  readonly #stack: SipStack;
  readonly #scheduler: Scheduler;
  readonly #webhooks: WebhookClient;
  readonly #callbacks: CallbackQueue;
  readonly #admission: TrunkAdmission;
  readonly #incoming: IncomingCalls;
  readonly #overload: Overload;
  readonly #newRequests: NewRequests;
  readonly #trace: SipTrace;
  readonly #targetHealth: TargetHealth;
  readonly #pings: TargetPings;
  readonly #registrations: Registrations;
  readonly #audio: KeptAudio;
  readonly #http: HttpServer | undefined;
  readonly #usage: Usage;
  readonly #records: CallRecords | undefined;
  readonly #callerNames: CallerNames;
  #stopping = false;
  #stopped: Promise<void> | undefined;
  #drainEndMs = Number.POSITIVE_INFINITY;

  private constructor(options: GatewayOptions) {
    const { config, store } = options;
    this.#config = config;
    this.store = store;
    this.#clock = options.clock ?? new SystemClock();
    this.#log = options.log ?? silentLog;
    this.alerts = new AlertLog(this.#clock, this.#log);
    this.#trace = new SipTrace(this.#clock, config.explain);
    this.calls = new CallTable(this.#trace, options.endedCallsMax, this.#log);
    this.alerts.onRaised = ({ callSid, level }) => {
      const call = level === "error" ? this.calls.bySid(callSid) : undefined;
      if (call !== undefined) call.hasError = true;
    };
    const edges = new EdgeTable(config.edges);
    const plans = planEdges(config);
    this.#edges = new LocalEdges(plans, edges, this.#clock);
    this.#targetHealth = new TargetHealth(() => this.#clock.nowMs());
    const random = options.random ?? Math.random;
    const moduleUrl = options.wasmUrl ?? wasmUrl;
    // Loaded once here, so that a missing or foreign module is told before a thread is started.
    compileWasm(moduleUrl);
    this.#scheduler = new Scheduler({
      ...mediaOptions(config, this.#edges),
      wasmUrl: moduleUrl.href,
      clock: this.#clock,
      log: this.#log.child({ part: "media" }),
    });
    this.#overload = new Overload({
      clock: this.#clock,
      log: this.#log,
      lagMaxMs: config.sip.overloadLagMs,
      workers: () => this.#scheduler.workers,
    });
    this.#stack = new SipStack({
      ...sipOptions(config, this.#edges),
      clock: this.#clock,
      log: this.#log.child({ part: "sip" }),
      random,
    });
    this.#webhooks = new WebhookClient({ ...webhookOptions(config), clock: this.#clock });
    this.#callbacks = new CallbackQueue(this.#webhooks, (callback, code, text) =>
      this.alerts.raise({
        code,
        level: "warning",
        text: `callback failed: ${text}`,
        url: callback.url.split("?")[0]!,
        accountSid: callback.accountSid ?? "",
        callSid: callback.callSid ?? "",
      }),
    );
    this.#usage = new Usage();
    if (config.records.file !== null) this.#records = new CallRecords(config.records.file, this.#log);
    this.calls.onEnded = (call) => {
      this.#usage.ended(call);
      this.#records?.add(call);
    };
    this.#callerNames = callerNames(config.cnam, this.#clock, this.#log);
    this.#admission = new TrunkAdmission(this.#clock, this.calls, config.sip.callsPerSecondMax);
    const needs = { clock: this.#clock, log: this.#log, random, edges, localEdges: this.#edges };
    this.#registrations = new Registrations(needs, store, this.#stack);
    this.#stack.onFlowLost = (flow) => this.#registrations.flowLost(flow);
    this.#audio = new KeptAudio({
      config,
      store,
      clock: this.#clock,
      log: this.#log.child({ part: "recordings" }),
      alerts: this.alerts,
      usage: this.#usage,
    });
    const context = this.#context(random, options.secrets, edges);
    this.#pings = new TargetPings(context, this.#stack);
    this.#incoming = new IncomingCalls(context, config.auth.failuresPerMinuteMax, config.auth.blockSeconds * 1000);
    const others = new OtherRequests(context, this.#incoming, config.sip.optionsBurst, config.sip.optionsRefillMs);
    const newRequests = new NewRequests(context, this.#incoming, this.#overload, {
      strangerBurst: config.sip.strangerBurst,
      strangerRefillMs: config.sip.strangerRefillMs,
    });
    this.#newRequests = newRequests;
    this.#stack.admit = (request, flow) => newRequests.judge(request, flow);
    if (this.#trace.enabled)
      this.#stack.onMessage = (direction, message, flow, octets) =>
        this.#trace.observe(direction, message, flow, octets);
    this.#stack.isKnownPeer = (address) => newRequests.isKnownPeer(address);
    this.#stack.onUnverifiedTls = ({ remote, tlsName, fault }) =>
      this.alerts.raise({
        code: 32011,
        level: "warning",
        text: `TLS to ${tlsName} is not verified, since tlsVerify is off (R-SEC-14): ${fault ?? "its certificate would be good"}`,
        remote,
      });
    const tlsAlerts = new TlsAlerts(this.alerts, this.#clock);
    this.#stack.onHandshakeFailed = (code, remote) => tlsAlerts.failed(code, remote);
    this.#stack.onTooManyHops = (request, flow) => this.#incoming.outOfHops({ request, flow });
    this.#stack.onInvite = (invite) => void this.#incoming.take(invite);
    this.#stack.onRequest = (request) => others.take(request);
    if (config.http.port !== null)
      this.#http = new HttpServer({
        address: config.http.address,
        port: config.http.port,
        status: () => this.status(),
        caPem: readPem(config.tls.certFile),
        documents: config.http.documents,
        stories: new CallStories(this.calls, this.alerts, this.#trace, store),
        auth: new HttpAuth(store, options.secrets.operatorToken, this.#clock),
        rest: {
          store,
          calls: this.calls,
          alerts: this.alerts,
          usage: this.#usage,
          voice: {
            place: (order) => placeCall(context, order),
            test: (trunk, number, ringMs) => testTrunk(context, trunk, number, ringMs),
            takesCalls: () => !this.#admission.draining && this.calls.liveCount < context.settings.callsMax,
          },
          secrets: options.secrets,
          clock: this.#clock,
          baseDomain: config.domains.base,
          edges,
          edgeDirectory: new EdgeDirectory({
            plans,
            local: this.#edges,
            calls: this.calls,
            base: config.domains.base,
            listening: () => this.#stack.listening,
          }),
          symmetricDefault: config.media.symmetricDefault,
          audio: this.#audio,
          noAudioAtRest: config.compliance.noAudioAtRest,
          verification: config.verification.mode,
          staticIp: config.staticIp,
          publicBaseUrl: config.http.publicBaseUrl?.replace(/\/+$/, "") ?? null,
          defaultRegion: config.edges[0]?.region ?? config.edges[0]?.name ?? "us1",
        },
        log: this.#log.child({ part: "http" }),
      });
  }

  /**
   * Starts workers, listeners and HTTP; takes calls from then on.
   * @throws MediaError when the WASM module cannot be loaded, TransportError for an address that is in use
   */
  static async start(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options);
    try {
      await gateway.#audio.start();
      await gateway.#scheduler.start();
      await gateway.#stack.start();
      await gateway.#http?.start();
      gateway.#pings.start();
      gateway.#overload.start();
      gateway.#registrations.start();
      gateway.#tellUnservedEdges();
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  #tellUnservedEdges(): void {
    for (const { edge, sid, uses } of unservedEdges(this.store, new EdgeTable(this.#config.edges), this.#edges))
      this.#log.warn("an edge is asked for that is not served here: such targets are passed over", { edge, sid, uses });
  }

  /** SIP addresses as they were bound. */
  get listening(): readonly ListenAddress[] {
    return this.#stack.listening;
  }

  /** Base URL of HTTP, undefined when it is switched off. */
  get httpUrl(): string | undefined {
    return this.#http?.url;
  }

  /** What is going on, for health checks, metrics and the demonstration. */
  status() {
    return {
      ready: !this.#stopping && this.#scheduler.workers.every((worker) => worker.alive),
      calls: this.calls.liveCount,
      transactions: this.#stack.activeTransactions,
      dialogs: this.#stack.activeDialogs,
      connections: this.#stack.connectionCount,
      sip: { ...this.#stack.counters },
      cnam: { ...this.#callerNames.counters },
      usage: [...this.#usage.rows()],
      callbacks: { ...this.#callbacks.counters, waiting: this.#callbacks.waiting },
      overload: { reason: this.#overload.reason, lagMs: this.#overload.lagMs, shed: this.#newRequests.counters },
      targets: [...this.#targetHealth.list()],
      registrations: this.#registrations.list(),
      workers: this.#scheduler.workers.map((worker) => ({
        index: worker.index,
        alive: worker.alive,
        load: worker.load,
      })),
    };
  }

  /**
   * Refuses new calls, waits for the running ones, then ends them with BYE, and closes everything. Calling it again while it
   * waits shortens the wait to what the new call says.
   * @param drainMs - how long running calls may go on
   */
  stop(drainMs = DRAIN_DEFAULT_MS): Promise<void> {
    this.#drainEndMs = Math.min(this.#drainEndMs, this.#clock.nowMs() + drainMs);
    this.#stopped ??= this.#close();
    return this.#stopped;
  }

  async #close(): Promise<void> {
    this.#stopping = true;
    this.#admission.drain();
    this.#pings.stop();
    this.#overload.stop();
    const unregistered = this.#registrations.stop();
    await this.#until(
      () => this.calls.liveCount === 0,
      () => this.#drainEndMs,
    );
    // Ending the media of a call ends the call: its legs send BYE, its streams `stop` with 1001.
    await this.#scheduler.stop();
    const goodbyeEndMs = this.#clock.nowMs() + GOODBYE_MS;
    await this.#until(
      () => this.calls.liveCount === 0 && this.#callbacks.waiting === 0 && this.#stack.activeDialogs === 0,
      () => goodbyeEndMs,
    );
    await Promise.race([unregistered, new Promise<void>((done) => this.#clock.after(GOODBYE_MS, done))]);
    await this.#http?.stop();
    await this.#stack.stop();
    await this.#audio.close();
    await this.#webhooks.close();
    await Promise.all([this.#records?.close(), this.#callerNames.close()]);
    await this.store.close();
  }

  async #until(reached: () => boolean, endMs: () => number): Promise<void> {
    while (!reached() && this.#clock.nowMs() < endMs())
      await new Promise<void>((done) => this.#clock.after(DRAIN_STEP_MS, done));
  }

  #context(random: () => number, secrets: Secrets, edges: EdgeTable): CallContext {
    const { domains, auth, redirect } = this.#config;
    return {
      clock: this.#clock,
      log: this.#log,
      store: this.store,
      stack: this.#stack,
      scheduler: this.#scheduler,
      webhooks: this.#webhooks,
      callbacks: this.#callbacks,
      mediaFetcher: new MediaFetcher(this.#webhooks),
      alerts: this.alerts,
      calls: this.calls,
      callerNames: this.#callerNames,
      usage: this.#usage,
      trace: this.#trace,
      admission: this.#admission,
      loops: new LoopGuard(this.#clock),
      conversations: new ConversationTable(),
      names: new MediaNames((name) => this.#stack.addressesOf(name)),
      recordings: this.#audio.calls,
      edges,
      localEdges: this.#edges,
      staticIpEdges: this.#config.staticIp.edges,
      divert: { base: domains.base, edges, reach: redirect.reach, denied: redirect.denied },
      authenticator: new Authenticator(this.#clock, secrets, auth),
      targetHealth: this.#targetHealth,
      registrations: this.#registrations,
      random,
      settings: callSettings(this.#config),
    };
  }
}
