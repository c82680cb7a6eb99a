/** SIP-REG-3: the gateway registers at a carrier (RFC 3261 §10, RFC 5626 §4.5), with real REGISTERs over UDP and a clock that stands still. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLog } from "../../src/base/log.ts";
import { contactUserOf } from "../../src/calls/registration/registration.ts";
import { Registrations } from "../../src/calls/registration/registrations.ts";
import type { ExtraHeaders, SipRequest } from "../../src/sip/message.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { EdgeTable } from "../../src/trunking/edges.ts";
import type { ByocTrunk } from "../../src/trunking/records.ts";
import { localEdges } from "../support/edges.ts";
import type { ManualClock } from "../support/manual-clock.ts";
import { testByocTrunk, testSipDomain } from "../support/records.ts";
import { Stage, settle } from "../support/sip-scripts.ts";

let stage: Stage;
let store: MemoryStore;
let clock: ManualClock;
let trunk: ByocTrunk;
let registrations: Registrations;

beforeEach(async () => {
  stage = await Stage.start();
  store = new MemoryStore();
  clock = stage.clock;
  trunk = testByocTrunk({
    targetUsername: "trunk1",
    targetPassword: "s3cret",
    registration: { registrar: `sip:127.0.0.1:${stage.agent.peer.port}`, user: "trunk1", expiresSeconds: 600 },
  });
  await store.apply([
    { kind: "byocTrunks", put: trunk },
    { kind: "sipDomains", put: testSipDomain({ byocTrunkSid: trunk.sid }) },
  ]);
  const needs = { clock, log: silentLog, random: () => 0.5, edges: new EdgeTable(), localEdges: localEdges(clock) };
  registrations = new Registrations(needs, store, stage.test.stack);
  registrations.start();
});
afterEach(() => stage.stop());

const next = (): Promise<SipRequest> => stage.agent.peer.nextRequest("REGISTER");
const contact = (): string => contactUserOf(trunk.sid);

async function answer(request: SipRequest, status: number, headers: ExtraHeaders = []): Promise<void> {
  await stage.agent.answer(request, status, { headers });
  await settle();
}
const granted = (seconds: number): ExtraHeaders => [["Contact", `<sip:${contact()}@127.0.0.1>;expires=${seconds}`]];
const isRegistered = (): boolean => registrations.list()[0]!.registered;

describe("SIP-REG-3 registration at a carrier", () => {
  it("RFC 3261 10.2: REGISTER for the address of record, with an opaque Contact and no user in the Request-URI", async () => {
    const request = await next();
    expect(request.uri).toMatchObject({ user: undefined, host: "127.0.0.1" });
    expect(request.to.uri.user).toBe("trunk1");
    expect(request.from.uri).toEqual(request.to.uri);
    expect(request.headers.get("Expires")).toBe("600");
    expect(request.headers.get("Contact")).toMatch(new RegExp(`^<sip:${contact()}@127\\.0\\.0\\.1:\\d+>$`));
    expect(contact()).toMatch(/^[0-9a-f]{24}$/);
    expect(isRegistered()).toBe(false);
    await answer(request, 200, granted(600));
    expect(isRegistered()).toBe(true);
  });

  it("SIP-AUTH-7: 401 is answered with the credentials of the trunk, same Call-ID, CSeq one more", async () => {
    const first = await next();
    await answer(first, 401, [["WWW-Authenticate", 'Digest realm="carrier", nonce="n1", qop="auth", algorithm=MD5']]);
    const second = await next();
    expect(second.callId).toBe(first.callId);
    expect(second.cseq.number).toBe(first.cseq.number + 1);
    expect(second.from.params.get("tag")).toBe(first.from.params.get("tag"));
    expect(second.headers.get("Authorization")).toMatch(/username="trunk1".*response="[0-9a-f]{32}"/);
    await answer(second, 200, granted(600));
    expect(isRegistered()).toBe(true);
    expect(JSON.stringify(registrations.list())).not.toContain("s3cret");
  });

  it("is refreshed at 50 to 90 % of what was granted, in the same session", async () => {
    const first = await next();
    await answer(first, 200, granted(100));
    // 50 % + 40 % of a half.
    clock.advance(69_000);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    clock.advance(2_000);
    const second = await next();
    expect(second.callId).toBe(first.callId);
    expect(second.cseq.number).toBe(first.cseq.number + 1);
    expect(isRegistered()).toBe(true);
    await answer(second, 200, [["Expires", "40"]]);
    clock.advance(28_500);
    await next();
  });

  it("10.2.8: 423 is asked again with Min-Expires", async () => {
    await answer(await next(), 423, [["Min-Expires", "1800"]]);
    const second = await next();
    expect(second.headers.get("Expires")).toBe("1800");
    await answer(second, 200, granted(1800));
    expect(isRegistered()).toBe(true);
  });

  it.each([403, 404, 500, 503])(
    "RFC 5626 4.5: refused with %i it is tried again, less and less often",
    async (status) => {
      await answer(await next(), status);
      expect(registrations.list()[0]).toMatchObject({ registered: false });
      expect(registrations.list()[0]!.why).toContain(String(status));
      // 30 s, 60 s, 120 s; three quarters of each with the random number of this test.
      for (const seconds of [22.5, 45, 90]) {
        clock.advance(seconds * 1000 - 1000);
        await settle();
        expect(stage.agent.peer.waiting, `${seconds} s`).toBe(0);
        clock.advance(1500);
        await answer(await next(), status);
      }
      clock.advance(180_000);
      await answer(await next(), 200, granted(600));
      expect(registrations.list()[0]).toMatchObject({ registered: true, why: "" });
    },
  );

  it("10.2.2: is taken back with Expires 0 when the gateway stops, or the record wants it no more", async () => {
    await answer(await next(), 200, granted(600));
    await store.apply([{ kind: "byocTrunks", put: { ...trunk, registration: null } }]);
    clock.advance(5000);
    const removed = await next();
    expect(removed.headers.get("Expires")).toBe("0");
    await answer(removed, 200);
    expect(registrations.list()).toEqual([]);
    await store.apply([{ kind: "byocTrunks", put: trunk }]);
    clock.advance(5000);
    await answer(await next(), 200, granted(600));
    const stopped = registrations.stop();
    const last = await next();
    expect(last.headers.get("Expires")).toBe("0");
    await answer(last, 200);
    await stopped;
  });

  it("calls to the Contact belong to the SIP domain of the trunk; other users to none", async () => {
    await next();
    expect(registrations.domainOfUser(contact())?.byocTrunkSid).toBe(trunk.sid);
    expect(registrations.domainOfUser("bob")).toBeUndefined();
    expect(registrations.domainOfUser(undefined)).toBeUndefined();
  });
});
