/** The decisions of the gateway itself, from a parsed INVITE to the first target, and one page of a long list. */
import { listOf } from "../../../src/api/rest/owned.ts";
import { type Page, pageOf, readPageRequest } from "../../../src/api/rest/paging.ts";
import type { RestContext, RestRequest } from "../../../src/api/rest/route.ts";
import { SystemClock } from "../../../src/base/clock.ts";
import { addressed } from "../../../src/calls/addressing.ts";
import type { CallContext } from "../../../src/calls/call-context.ts";
import { CallTable } from "../../../src/calls/call-table.ts";
import { carrierRoute, type Route, trunkRoute } from "../../../src/calls/carrier-link.ts";
import { diversions } from "../../../src/calls/identity.ts";
import type { OutboundTarget } from "../../../src/calls/outbound-leg.ts";
import { plannedTargets } from "../../../src/calls/plan-targets.ts";
import { TargetHealth } from "../../../src/calls/target-health.ts";
import { TrunkAdmission } from "../../../src/calls/trunk-admission.ts";
import { readCallerIdentity } from "../../../src/sip/identity.ts";
import type { Flow, SipRequest } from "../../../src/sip/message.ts";
import { parseMessage } from "../../../src/sip/parser.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { EdgeTable } from "../../../src/trunking/edges.ts";
import type { PhoneNumber, Trunk } from "../../../src/trunking/records.ts";
import { judgeTermination, type TerminationAccepted } from "../../../src/trunking/termination.ts";
import { localEdges } from "../../../test/support/edges.ts";
import { seededRandom } from "../../../test/support/seeded-random.ts";
import type { Candidate } from "../../harness/suite.ts";
import { inviteOf } from "../../signalling/messages.ts";
import { ACCOUNTS, accountSid, BASE, NUMBERS, numberAt, records, SOURCE_ADDRESS, sid, TRUNKS } from "./fixture.ts";

const SLICE = 16;
const MESSAGES = 1024;

let filled: MemoryStore | undefined;
/** Made once; all rows read it. */
function store(): MemoryStore {
  if (filled !== undefined) return filled;
  filled = new MemoryStore();
  void filled.apply([...records()]);
  return filled;
}

const flow = { transport: "udp", remoteAddress: SOURCE_ADDRESS, remotePort: 5060, localAddress: "127.0.0.1" } as Flow;

/** What the decision needs of the call layer; the rest is not touched by it. */
function context(): CallContext {
  const clock = new SystemClock();
  const edges = localEdges(clock);
  const random = seededRandom(1);
  return {
    clock,
    store: store(),
    edges: new EdgeTable(),
    localEdges: edges,
    staticIpEdges: [],
    registrations: { domainOfUser: () => undefined },
    conversations: {},
    admission: new TrunkAdmission(clock, new CallTable(), 1_000_000),
    targetHealth: new TargetHealth(() => clock.nowMs()),
    random,
    settings: {
      baseDomain: BASE,
      unknownDomain: "drop",
      shortCodes: [],
      sourcePolicy: "negotiated",
      mediaTimeoutMs: 0,
    },
  } as unknown as CallContext;
}

/** Trunk n calls a number; the caller id is a number of its account. */
function invites(): SipRequest[] {
  return Array.from({ length: MESSAGES }, (_, index) => {
    const n = (index * 9973) % TRUNKS;
    const text = inviteOf(index, { theirs: 5062, ours: 5060 })
      .replace(/^INVITE \S+/, `INVITE sip:${numberAt((n * 31) % NUMBERS)}@t${n}.pstn.${BASE}`)
      .replace(/(From:[^<]*<sip:)[^@]+/, `$1${numberAt(n)}`);
    return parseMessage(Buffer.from(text)) as SipRequest;
  });
}

interface Decision {
  readonly trunk: Trunk;
  readonly route: Route;
  readonly first: OutboundTarget;
}

function decide(ctx: CallContext, request: SipRequest): Decision {
  const { domain, user } = addressed(ctx, request, flow);
  const record = domain!.record as Trunk;
  const verdict = judgeTermination(
    { host: request.uri.host, user, transport: "udp", source: flow, identity: readCallerIdentity(request) },
    domain,
    {
      acls: record.ipAclSids.flatMap((one) => ctx.store.get("ipAcls", one) ?? []),
      shortCodes: ctx.settings.shortCodes,
      unknownDomain: "drop",
      isActive: (account) => ctx.store.get("accounts", account) !== undefined,
      ownsCallerId: (account, number) => ctx.store.ownsCallerId(account, number),
      ask: { credentials: () => ({ kind: "absent" }), limits: (trunk) => ctx.admission.limits(trunk) },
    },
  ) as TerminationAccepted;
  if (verdict.outcome !== "accept") throw new Error(JSON.stringify(verdict));
  const route = carrierRoute(ctx, record, {
    edge: ctx.localEdges.default,
    dialled: verdict.called,
    callerNumber: verdict.caller.number!,
    hidden: verdict.caller.hidden,
    maxForwards: 69,
    diversions: diversions(request),
    came: { headers: request.headers, trusted: false },
  })!;
  const [first] = plannedTargets(ctx, route.records, route.plan, () => undefined);
  return { trunk: record, route, first: first! };
}

/** Termination: domain, 1,000 ranges, caller id, limits, carrier, target order, the planned INVITE. */
export function terminationDecision(): Candidate {
  const ctx = context();
  const requests = invites();
  const out: Decision[] = [];
  let turn = 0;
  return {
    unitsPerCall: SLICE,
    call: () => {
      for (let i = 0; i < SLICE; i++) out[i] = decide(ctx, requests[turn++ % MESSAGES]!);
    },
    check: () => {
      for (const index of [0, 1, 500, MESSAGES - 1]) {
        const n = (index * 9973) % TRUNKS;
        const { trunk, route, first } = decide(ctx, requests[index]!);
        const policy = sid("NY", n % ACCOUNTS);
        if (trunk.sid !== sid("TK", n) || route.records.some(({ parentSid }) => parentSid !== policy))
          throw new Error(`INVITE ${index} went to ${trunk.domainName}, ${route.name}`);
        if (first.uri.user !== numberAt((n * 31) % NUMBERS)) throw new Error(`INVITE ${index} calls ${first.uri.user}`);
      }
    },
  };
}

/** Origination: the number of ours that a carrier delivers, its trunk, target order, the planned INVITE. */
export function originationDecision(): Candidate {
  const ctx = context();
  const dialled = Array.from({ length: MESSAGES }, (_, index) => numberAt((index * 99_991) % NUMBERS));
  const out: OutboundTarget[] = [];
  const route = (number: string): OutboundTarget => {
    const record = ctx.store.phoneNumber(number) as PhoneNumber;
    const trunk = ctx.store.get("trunks", record.trunkSid!)!;
    const { records: targets, plan } = trunkRoute(ctx, trunk, {
      edge: ctx.localEdges.default,
      dialled: number,
      callerNumber: "+14155550100",
      hidden: false,
      maxForwards: 69,
      diversions: [],
    });
    const [first] = plannedTargets(ctx, targets, plan, () => undefined);
    return first!;
  };
  let turn = 0;
  return {
    unitsPerCall: SLICE,
    call: () => {
      for (let i = 0; i < SLICE; i++) out[i] = route(dialled[turn++ % MESSAGES]!);
    },
    check: () => {
      for (const number of [dialled[0]!, dialled[77]!])
        if (route(number).uri.user !== number) throw new Error(`${number} went to ${route(number).uri.user}`);
    },
  };
}

/** Pages of 50 of the numbers of an account, one behind the other from the newest on. */
export function listPage(): Candidate {
  const one = new MemoryStore();
  void one.apply([...records(() => 0)]);
  const ctx = { store: one } as unknown as RestContext;
  const request = { account: { sid: accountSid(0) } } as unknown as RestRequest;
  const next = (query: string): Page<PhoneNumber> =>
    pageOf(listOf(ctx, request, "phoneNumbers"), readPageRequest(Object.fromEntries(new URLSearchParams(query))));
  let query = "";
  let page: Page<PhoneNumber>;
  return {
    unitsPerCall: 1,
    call: () => {
      page = next(query);
      query = page.nextQuery ?? "";
    },
    check: () => {
      let seen = 0;
      let asked: string | null = "PageSize=1000";
      while (asked !== null) {
        page = next(asked);
        seen += page.rows.length;
        asked = page.nextQuery;
      }
      if (seen !== NUMBERS) throw new Error(`${seen} numbers were listed`);
    },
  };
}
