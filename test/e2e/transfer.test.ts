/** REFER and Replaces through trunks, with SIP and RTP on the wire: R-XFER, SIP-REF. Every party says a tone of its own. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PartyCall } from "../../src/simulator/party.ts";
import type { SipResponse } from "../../src/sip/message.ts";
import { sineUlaw } from "../support/g711-tables.ts";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { DialogWatch, hears, Talker, talking } from "../support/talkers.ts";

const GATEWAY = "127.77.30.1";
const PBX = "127.77.30.2";
const CARRIER = "127.77.30.3";
const TARGET = "127.77.30.4";
const NUMBER = "+15550200300";
const OFFICE = "+15550100200";
const HOP = `sip:${GATEWAY}:5060`;

let gateway: TestGateway;
let pbx: Talker;
let carrier: Talker;
let target: Talker;
const up: PartyCall[] = [];

beforeAll(async () => {
  const trunk = (name: string, more: string) => `
  - name: ${name}
    domain: ${name}
    ipAccessControlLists: [parties]
    callerIdPolicy: any
    ${more}
    originationUrls: [{ name: pbx, url: "sip:${PBX}:5060" }]`;
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: parties, addresses: [${PBX}, ${CARRIER}, ${TARGET}] }
connectionPolicies:
  - { name: carrier, targets: [{ name: carrier, url: "sip:${CARRIER}:5060" }] }
byocTrunks:
  - { name: carrier, connectionPolicy: carrier, defaultCarrier: true }
  - { name: incoming }
sipDomains:
  - { name: incoming, domain: incoming, byocTrunk: incoming, ipAccessControlLists: [parties] }
trunks:
${trunk("all", "transferMode: enable-all")}
${trunk("sip", "transferMode: sip-only")}
${trunk("none", "transferMode: disable-all")}
${trunk("shown", "transferMode: enable-all\n    transferCallerId: from-transferor")}
${trunk("allowed", 'transferMode: enable-all\n    destinationAllowList: ["+1555"]')}
phoneNumbers:
  - { number: "+15550300001", trunk: all }
`,
    { top: "redirect: { reach: any }" },
    2,
  );
});
afterAll(() => gateway.stop());

beforeEach(async () => {
  pbx = await Talker.start(PBX, 400);
  carrier = await Talker.start(CARRIER, 700);
  target = await Talker.start(TARGET, 1100);
});
afterEach(async () => {
  for (const call of up.splice(0)) call.hangup();
  for (const talker of [pbx, carrier, target])
    for (const call of talker.party.received) if (call.dialog !== undefined) call.hangup();
  await until(() => gateway.gateway.calls.liveCount === 0, "the end of all calls");
  await until(() => gateway.gateway.status().dialogs === 0, "the end of all dialogs");
  for (const talker of [pbx, carrier, target]) await talker.party.stop();
});

/** The PBX calls a number through a trunk, and the carrier takes the call. */
async function termination(trunk = "all", number = NUMBER) {
  const count = carrier.party.received.length;
  const near = await pbx.call(`sip:${number}@${trunk}.pstn.${BASE}`, HOP, `sip:${OFFICE}@${PBX}`);
  up.push(near);
  const far = await carrier.received(count + 1);
  await talking([near, pbx], [far, carrier]);
  return { near, far, watch: new DialogWatch(near), farWatch: new DialogWatch(far) };
}

function refer(call: PartyCall, referTo: string, headers: [string, string][] = []): Promise<SipResponse> {
  return call.dialog!.request("REFER", { headers: [["Refer-To", referTo], ...headers] });
}

const inviteOf = (call: PartyCall) => call.invite!.request;
const warnings = (response: SipResponse) => response.headers.get("Warning") ?? "";

/** Which of two workers the gateway's media are in. */
function workerOf(call: PartyCall): number {
  const port = Number(/m=audio (\d+)/.exec(Buffer.from(inviteOf(call).body).toString())![1]);
  return port < 25_000 ? 0 : 1;
}

/** `call-id;to-tag=…;from-tag=…` of a dialog as the gateway knows it, escaped for a URI. */
function replacesOf(call: PartyCall): string {
  const { callId, localTag, remoteTag } = call.dialog!;
  return `${callId};to-tag=${remoteTag};from-tag=${localTag}`;
}

describe("R-XFER blind transfer", () => {
  it("R-XFER-1, -3, -7, -9: 202, 100 Trying, a new INVITE, 200 OK, BYE; the other party talks with the target", async () => {
    const { near, far, watch, farWatch } = await termination();
    const answer = await refer(near, `<sip:bob@${TARGET}:5060?X-Ticket=42&Subject=no&User-to-User=56a0>`, [
      ["Referred-By", `<sip:${OFFICE}@${PBX}>`],
    ]);
    expect(answer.status).toBe(202);
    const there = await target.received();
    await talking([far, carrier], [there, target]);
    await until(() => watch.ended, "BYE to the transferor");
    expect(watch.notices).toEqual(["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
    const [first, last] = watch.requests;
    expect(first!.headers.get("Subscription-State")).toBe("active;expires=60");
    expect(last!.headers.get("Subscription-State")).toBe("terminated;reason=noresource");
    const invite = inviteOf(there);
    // Transferee is the called number.
    expect(invite.from.uri.user).toBe(NUMBER);
    expect(invite.headers.get("X-Ticket")).toBe("42");
    expect(invite.headers.get("User-to-User")).toBe("56a0");
    expect(invite.headers.has("Subject")).toBe(false);
    expect(invite.headers.get("Referred-By")).toBe(`<sip:${OFFICE}@${PBX}>`);
    // The REFER is consumed here.
    expect(farWatch.requests).toEqual([]);
    // Each leg has a call with its own end.
    const calls = [...gateway.gateway.calls.live()];
    expect(calls.map(({ status }) => status)).toEqual(["in-progress", "in-progress"]);
    there.hangup();
    await until(() => farWatch.ended, "the end of the other party");
  });

  it("R-XFER-3: the two hear nothing of each other while the target rings, and the transferee hears it ring", async () => {
    target.script = () => ({ kind: "ring" });
    const { near, far } = await termination();
    await refer(near, `<sip:bob@${TARGET}>`);
    await target.received();
    await until(() => hears(far, 440) && hears(far, 480) && !hears(far, pbx.toneHz), "ringback and nothing else");
    await until(() => !hears(near, carrier.toneHz), "silence for the transferor");
  });

  it("R-XFER-3: early media of the target reaches the transferee", async () => {
    const { near, far } = await termination();
    target.script = () => ({
      kind: "answer",
      early: true,
      afterMs: 60_000,
      play: sineUlaw(1100, 8000, 8000),
      loop: true,
    });
    await refer(near, `<sip:bob@${TARGET}>`);
    await until(() => hears(far, 1100), "early media");
  });

  it.each([486, 404, 603, 503])(
    "R-XFER-4: the target answers %i: NOTIFY says so and the call goes on",
    async (status) => {
      target.script = () => ({ kind: "reject", status });
      const { near, far, watch } = await termination();
      expect((await refer(near, `<sip:bob@${TARGET}>`)).status).toBe(202);
      await until(() => watch.notices.length === 2, "the last NOTIFY");
      expect(watch.notices[1]).toMatch(new RegExp(`^SIP/2\\.0 ${status} `));
      expect(watch.requests[1]!.headers.get("Subscription-State")).toBe("terminated;reason=noresource");
      await talking([near, pbx], [far, carrier]);
      // And again: the second REFER of a dialog has an id (SIP-REF-2).
      target.script = undefined;
      await refer(near, `<sip:bob@${TARGET}>`);
      await talking([far, carrier], [await target.received(), target]);
      expect(watch.requests[2]!.headers.get("Event")).toMatch(/^refer;id=\d+$/);
    },
  );

  it("R-XFER-5: the transferor hangs up first: CANCEL to the target, BYE to the other party", async () => {
    target.script = () => ({ kind: "ring" });
    const { near, farWatch } = await termination();
    await refer(near, `<sip:bob@${TARGET}>`);
    const there = await target.received();
    near.hangup();
    await there.ended;
    expect(there.status).toBe(487);
    await until(() => farWatch.ended, "BYE to the other party");
  });

  it("the other party hangs up first: CANCEL to the target, NOTIFY 487 and BYE to the transferor", async () => {
    target.script = () => ({ kind: "ring" });
    const { near, far, watch } = await termination();
    await refer(near, `<sip:bob@${TARGET}>`);
    const there = await target.received();
    far.hangup();
    await there.ended;
    expect(there.status).toBe(487);
    await until(() => watch.ended, "BYE to the transferor");
  });

  it("SIP-REF-9: a second REFER while one is under way gets 491", async () => {
    target.script = () => ({ kind: "ring" });
    const { near } = await termination();
    await refer(near, `<sip:bob@${TARGET}>`);
    await target.received();
    expect((await refer(near, `<sip:carol@${TARGET}>`)).status).toBe(491);
    expect(target.party.received).toHaveLength(1);
  });

  it("SIP-REF-3: Refer-Sub: false gets 202 and no NOTIFY", async () => {
    const { near, far, watch } = await termination();
    const answer = await refer(near, `<sip:bob@${TARGET}>`, [["Refer-Sub", "false"]]);
    expect(answer.headers.get("Refer-Sub")).toBe("false");
    await talking([far, carrier], [await target.received(), target]);
    await until(() => watch.ended, "BYE to the transferor");
    expect(watch.requests).toEqual([]);
  });

  it("R-XFER-2: a number leaves by the carrier link; R-XFER-7: shown is the transferor where the trunk says so", async () => {
    const { near, far } = await termination("shown");
    expect((await refer(near, "<tel:+15550777888>")).status).toBe(202);
    const there = await carrier.received(2);
    expect(inviteOf(there).uri.user).toBe("+15550777888");
    expect(inviteOf(there).from.uri.user).toBe(OFFICE);
    await talking([far, carrier], [there, carrier]);
  });

  it.each([
    ["a number on a sip-only trunk", "sip", `<sip:+15550777888@sip.pstn.${BASE}>`, 403],
    ["a tel URI on a sip-only trunk", "sip", "<tel:+15550777888>", 403],
    ["a SIP target on a disable-all trunk", "none", `<sip:bob@${TARGET}>`, 403],
    ["a number on a disable-all trunk", "none", "<tel:+15550777888>", 403],
    ["a destination that is not allowed", "allowed", "<tel:+4470123>", 403],
    ["a number that is none", "all", `<sip:12@all.pstn.${BASE}>`, 400],
    ["two targets", "all", `<sip:bob@${TARGET}>, <sip:carol@${TARGET}>`, 400],
    ["no target", "all", "<>", 400],
    ["another scheme", "all", "<mailto:bob@example.com>", 416],
    ["a method that is no INVITE", "all", `<sip:bob@${TARGET};method=BYE>`, 403],
    ["a SIP domain of ours", "all", `<sip:x@incoming.sip.${BASE}>`, 482],
  ])("R-XFER-11, SIP-REF-8: %s is refused, and the call goes on", async (_name, trunk, referTo, status) => {
    const before = gateway.gateway.alerts.all().length;
    const { near, far, watch } = await termination(trunk, "+15550200300");
    const answer = await refer(near, referTo);
    expect(answer.status, warnings(answer)).toBe(status);
    expect(warnings(answer)).not.toBe("");
    await talking([near, pbx], [far, carrier]);
    expect(watch.requests).toEqual([]);
    expect(
      gateway.gateway.alerts
        .all()
        .slice(before)
        .map(({ code }) => code),
    ).toContain(32218);
  });

  it("R-XFER-1: a carrier may not transfer, and the callee of an origination call may", async () => {
    const near = await carrier.call(`sip:+15550300001@incoming.sip.${BASE}`, HOP, "sip:+15550999000@carrier.test");
    up.push(near);
    const far = await pbx.received();
    await talking([near, carrier], [far, pbx]);
    expect((await refer(near, `<sip:bob@${TARGET}>`)).status).toBe(403);
    const watch = new DialogWatch(far);
    expect((await refer(far, `<sip:bob@${TARGET}>`)).status).toBe(202);
    const there = await target.received();
    expect(inviteOf(there).from.uri.user).toBe("+15550999000");
    await talking([near, carrier], [there, target]);
    await until(() => watch.ended, "BYE to the transferor");
    // What was transferred belongs to the customer again, so it may be transferred on.
    expect((await refer(there, `<sip:again@${PBX}>`)).status).toBe(202);
    await talking([near, carrier], [await pbx.received(2), pbx]);
  });
});

describe("SIP-REF-6 attended transfer", () => {
  it("R-XFER-8: two calls of the transferor become one, wherever their media are", async () => {
    const first = await termination("all", "+15550200301");
    let second = await termination("all", "+15550200302");
    // Each of the two workers has its half of the ports; a call whose media have to move is wanted.
    while (workerOf(second.far) === workerOf(first.far)) second = await termination("all", "+15550200302");
    const answer = await refer(first.near, `<${HOP}?Replaces=${encodeURIComponent(replacesOf(second.near))}>`);
    expect(answer.status).toBe(202);
    await until(() => first.watch.ended && second.watch.ended, "BYE to both calls of the transferor");
    expect(first.watch.notices).toEqual(["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
    // Both say the same tone: what each hears stops when the other does.
    await talking([first.far, carrier], [second.far, carrier]);
    const story = [...gateway.gateway.calls.live()].flatMap(({ decisions }) =>
      decisions.entries.map(({ text }) => text),
    );
    expect(story).toContain("moved to another worker by a re-INVITE");
    first.far.hangup();
    await second.far.ended;
  });

  it("SIP-REF-6: the transferee hangs up while the media of the other call move: that call goes on, heard both ways", async () => {
    const first = await termination("all", "+15550200301");
    let second = await termination("all", "+15550200302");
    while (workerOf(second.far) === workerOf(first.far)) second = await termination("all", "+15550200302");
    const { far, near } = second;
    const takeOffer = far.dialog!.onReoffer!;
    let moves = 0;
    const moving = new Promise<() => void>((held) => {
      far.dialog!.onReoffer = (offer) => {
        if (moves++ === 0) held(() => takeOffer(offer));
        else takeOffer(offer);
      };
    });
    expect((await refer(first.near, `<${HOP}?Replaces=${encodeURIComponent(replacesOf(near))}>`)).status).toBe(202);
    const goOn = await moving;
    first.far.hangup();
    await first.near.ended;
    goOn();
    await until(() => moves === 2, "the media to move back");
    // What was heard before says nothing: as much again has to come.
    for (const [call, toneHz] of [
      [far, pbx.toneHz],
      [near, carrier.toneHz],
    ] as const) {
      const before = call.leg.heard.length;
      await until(() => call.leg.heard.length > before + 8000 && hears(call, toneHz), `${toneHz} Hz is heard again`);
    }
    expect(second.watch.ended).toBe(false);
    near.hangup();
    await far.ended;
  });

  it("a Replaces for a call elsewhere goes to the target with the INVITE", async () => {
    const { near, far } = await termination();
    const replaces = "abc@elsewhere;to-tag=1;from-tag=2";
    await refer(near, `<sip:bob@${TARGET}?Replaces=${encodeURIComponent(replaces)}>`);
    const there = await target.received();
    expect(inviteOf(there).headers.get("Replaces")).toBe(replaces);
    await talking([far, carrier], [there, target]);
  });
});

describe("SIP-REF-7, RFC 3891 INVITE with Replaces", () => {
  const take = (replaces: string, trunk = "all") =>
    target.party.call(`sip:${NUMBER}@${trunk}.pstn.${BASE}`, {
      from: `sip:+15550100900@${TARGET}`,
      nextHop: HOP,
      play: sineUlaw(1100, 8000, 8000),
      loop: true,
      headers: [
        ["Replaces", replaces],
        ["Require", "replaces"],
      ],
    });

  it("takes the place of the party, which gets BYE", async () => {
    const { near, far, watch } = await termination();
    const call = await take(replacesOf(near));
    up.push(call);
    expect(await call.answered).toBe(true);
    await talking([far, carrier], [call, target]);
    await until(() => watch.ended, "BYE to the one that was replaced");
    expect(carrier.party.received).toHaveLength(1);
  });

  describe("a call that rings at a phone of the customer", () => {
    async function ringing(to = `+15550300001@incoming.sip.${BASE}`, at = pbx) {
      at.script = () => ({ kind: "ring" });
      const near = await carrier.party.call(`sip:${to}`, {
        from: "sip:+15550999000@carrier.test",
        nextHop: HOP,
        play: sineUlaw(carrier.toneHz, 8000, 8000),
        loop: true,
      });
      up.push(near);
      const phone = await at.received();
      await until(() => near.progress.includes(180), "the caller hears it ring");
      const { callId, from } = inviteOf(phone);
      return { near, phone, replaces: `${callId};to-tag=${from.params.get("tag")};from-tag=${phone.invite!.localTag}` };
    }

    it.each(["", ";early-only"])(
      "is taken by another: CANCEL to the first, and the two talk (Replaces%s)",
      async (flag) => {
        const { near, phone, replaces } = await ringing();
        const call = await take(replaces + flag);
        up.push(call);
        expect(await call.answered).toBe(true);
        expect(await near.answered).toBe(true);
        await talking([near, carrier], [call, target]);
        await phone.ended;
        expect(phone.status).toBe(487);
        // Nobody can take it a second time.
        const late = await take(replaces);
        await late.answered;
        expect(late.status).toBe(481);
        near.hangup();
        await call.ended;
        await until(() => gateway.gateway.calls.liveCount === 0, "the end of all calls");
        const statuses = [...gateway.gateway.calls.ended()].slice(-4).map(({ status }) => status);
        expect(statuses.filter((status) => status === "canceled")).toHaveLength(1);
      },
    );

    it("that nobody takes is answered as ever, and a wrong tag or another account's trunk finds none", async () => {
      const { near, replaces, phone } = await ringing();
      const wrong = await take(replaces.replace(/from-tag=.*/, "from-tag=other"));
      await wrong.answered;
      expect(wrong.status).toBe(481);
      const closed = await take(replaces, "none");
      await closed.answered;
      expect(closed.status).toBe(403);
      near.hangup();
      phone.invite!.reject(486);
      await near.answered;
    });
  });

  it("sent to our Contact finds its trunk by the dialog", async () => {
    const { near, far } = await termination();
    const call = await target.party.call(HOP, {
      from: `sip:+15550100900@${TARGET}`,
      play: sineUlaw(1100, 8000, 8000),
      loop: true,
      headers: [["Replaces", replacesOf(near)]],
    });
    up.push(call);
    await talking([far, carrier], [call, target]);
  });

  it.each([
    ["no such dialog", 481, "all", (own: string) => own.replace(/^[^;]*/, "unknown")],
    ["other tags", 481, "all", (own: string) => own.replace("to-tag=", "to-tag=x")],
    ["early-only for a dialog that is confirmed", 486, "all", (own: string) => `${own};early-only`],
    ["a value without tags", 400, "all", () => "abc"],
    ["a trunk without transfers", 403, "none", (own: string) => own],
  ])("%s: %i, and the call goes on", async (_name, status, trunk, change) => {
    const { near, far } = await termination();
    const call = await take(change(replacesOf(near)), trunk);
    expect(await call.answered).toBe(false);
    expect(call.status).toBe(status);
    await talking([near, pbx], [far, carrier]);
  });

  it("two Replaces: 400", async () => {
    const { near } = await termination();
    const call = await target.party.call(`sip:${NUMBER}@all.pstn.${BASE}`, {
      from: `sip:+15550100900@${TARGET}`,
      nextHop: HOP,
      headers: [
        ["Replaces", replacesOf(near)],
        ["Replaces", replacesOf(near)],
      ],
    });
    expect(await call.answered).toBe(false);
    expect(call.status).toBe(400);
  });

  it("a dialog that has ended: 603", async () => {
    const { near, far } = await termination();
    const replaces = replacesOf(near);
    far.hangup();
    await near.ended;
    const call = await take(replaces);
    expect(await call.answered).toBe(false);
    expect(call.status).toBe(603);
  });
});

describe("hardening 14, field 14", () => {
  it("a gateway that drains begins no transfer", async () => {
    const { near, far } = await termination();
    void gateway.gateway.stop(60_000);
    expect((await refer(near, `<sip:bob@${TARGET}>`)).status).toBe(503);
    await talking([near, pbx], [far, carrier]);
  });
});
