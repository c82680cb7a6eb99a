/** Reliable provisional answers (RFC 3262, SIP-PRK), both ways, with a peer on a real socket. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ExtraHeaders, SipMessage, SipResponse } from "../../../src/sip/message.ts";
import type { DialogEnd } from "../../../src/sip/user-agent.ts";
import { type ScriptedAgent, SDP, Stage, settle } from "../../support/sip-scripts.ts";
import { nameOf, reached } from "../../support/sip-wire.ts";

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.start();
});
afterEach(() => stage.stop());

const SUPPORTED: ExtraHeaders = [["Supported", "100rel"]];
const REQUIRED: ExtraHeaders = [["Require", "100rel"]];

async function prack(
  answer: SipResponse,
  cseq: number,
  rack = `${answer.headers.get("RSeq")} 1 INVITE`,
): Promise<number> {
  await stage.agent.inDialog("PRACK", { answer, cseq, headers: [["RAck", rack]] });
  const message = await stage.agent.peer.next("the answer to PRACK");
  if (message.kind !== "response" || message.cseq.method !== "PRACK") throw new Error(`came ${nameOf(message)}`);
  return message.status;
}

const waitingNames = (messages: readonly SipMessage[]): string[] => messages.map(nameOf);

describe("RFC 3262 3 as the called side", () => {
  it.each<[string, ExtraHeaders, boolean, boolean]>([
    ["Require: always", REQUIRED, false, true],
    ["Supported: with a session description", SUPPORTED, true, true],
    ["Supported: not for ringing alone", SUPPORTED, false, false],
    ["neither: never", [], true, false],
  ])("SIP-PRK-1 %s", async (_what, headers, withBody, isReliable) => {
    const { invite } = await stage.called({ headers });
    invite.progress(183, withBody ? { body: SDP } : {});
    const answer = await stage.agent.peer.nextResponse(183);
    expect(answer.headers.has("RSeq")).toBe(isReliable);
    expect(answer.headers.get("Require")).toBe(isReliable ? "100rel" : undefined);
  });

  it("an INVITE without an offer that requires it gets no ringing: that would have to make an offer", async () => {
    const { invite } = await stage.called({ headers: [...REQUIRED], body: undefined as never });
    invite.progress(180);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
  });

  it("SIP-PRK-2 switched off, Require gets 420", async () => {
    await stage.stop();
    stage = await Stage.start({ reliable: false });
    await stage.agent.request("INVITE", { body: SDP, headers: REQUIRED });
    expect((await stage.agent.peer.nextResponse(420)).headers.get("Unsupported")).toBe("100rel");
  });

  it("is repeated at T1 doubling until its PRACK, which gets 200", async () => {
    const { invite } = await stage.called({ headers: REQUIRED });
    invite.progress(180);
    const first = await stage.agent.peer.nextResponse(180);
    const { sent } = stage.test;
    const start = sent.length;
    const counts = [499, 1, 1000, 2000, 4000, 8000].map((ms) => {
      stage.clock.advance(ms);
      return sent.length - start;
    });
    expect(counts).toEqual([0, 1, 2, 3, 4, 5]);
    await reached(() => stage.agent.peer.waiting === 5, "the repeats");
    const repeats = stage.agent.peer.received.slice(-5) as SipResponse[];
    expect(new Set(repeats.map((one) => one.headers.get("RSeq")))).toEqual(new Set([first.headers.get("RSeq")]));
    stage.agent.peer.skip();
    expect(await prack(first, 2)).toBe(200);
    stage.clock.advance(60_000);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
  });

  it("SIP-PRK-3 one at a time, numbered one by one; what comes behind waits for the PRACK", async () => {
    const { invite } = await stage.called({ headers: REQUIRED });
    invite.progress(180);
    invite.progress(183, { body: SDP });
    const first = await stage.agent.peer.nextResponse(180);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    expect(await prack(first, 2)).toBe(200);
    const second = await stage.agent.peer.nextResponse(183);
    expect(Number(second.headers.get("RSeq"))).toBe(Number(first.headers.get("RSeq")) + 1);
  });

  it("SIP-PRK-4 a PRACK that matches nothing gets 481", async () => {
    const { invite } = await stage.called({ headers: REQUIRED });
    invite.progress(180);
    const answer = await stage.agent.peer.nextResponse(180);
    const rseq = Number(answer.headers.get("RSeq"));
    for (const [index, rack] of [`${rseq + 1} 1 INVITE`, `${rseq} 2 INVITE`, `${rseq} 1 UPDATE`, "nonsense"].entries())
      expect(await prack(answer, 2 + index, rack)).toBe(481);
    expect(await prack(answer, 10)).toBe(200);
    expect(await prack(answer, 11)).toBe(481);
  });

  it("SIP-PRK-5 the 2xx waits for the PRACK of a session description", async () => {
    const { request, invite } = await stage.called({ headers: SUPPORTED });
    invite.progress(183, { body: SDP });
    const early = await stage.agent.peer.nextResponse(183);
    const dialog = invite.accept({ body: SDP });
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    expect(await prack(early, 2)).toBe(200);
    const answer = await stage.agent.peer.nextResponse(200);
    let acks = 0;
    dialog.onAck = () => acks++;
    await stage.agent.ack(request, answer);
    await reached(() => acks === 1, "the ACK");
  });

  it("the 2xx does not wait for the PRACK of ringing, which is answered all the same", async () => {
    const { invite } = await stage.called({ headers: REQUIRED });
    invite.progress(180);
    const ringing = await stage.agent.peer.nextResponse(180);
    invite.accept({ body: SDP });
    await stage.agent.peer.nextResponse(200);
    expect(await prack(ringing, 2)).toBe(200);
  });

  it("no PRACK for 64·T1 ends the INVITE with 504", async () => {
    const { invite } = await stage.called({ headers: REQUIRED });
    const ends: string[] = [];
    invite.onCancelled = (reason) => ends.push(reason);
    invite.progress(180);
    stage.clock.advance(32_000);
    await reached(() => waitingNames(stage.agent.peer.received).includes("504 INVITE"), "504");
    expect(ends).toEqual(["no PRACK came for a reliable provisional answer"]);
  });

  it.each(["silence", "CANCEL"])("an answer that is held back ends by %s, and so does its dialog", async (how) => {
    const { request, invite } = await stage.called({ headers: SUPPORTED, branch: "z9hG4bKheld" });
    invite.progress(183, { body: SDP });
    await stage.agent.peer.nextResponse(183);
    const ends: DialogEnd[] = [];
    invite.accept({ body: SDP }).onEnded = (end) => ends.push(end);
    if (how === "silence") stage.clock.advance(32_000);
    else await stage.agent.request("CANCEL", { branch: "z9hG4bKheld", callId: request.callId });
    const final = how === "silence" ? "504 INVITE" : "487 INVITE";
    await reached(() => waitingNames(stage.agent.peer.received).includes(final), final);
    expect(ends).toMatchObject([{ by: "error" }]);
    expect(stage.test.stack.activeDialogs).toBe(0);
  });

  it("UPDATE is possible between PRACK and answer, and CSeq goes on in the confirmed dialog", async () => {
    const { request, invite } = await stage.called({ headers: REQUIRED });
    invite.progress(180);
    const ringing = await stage.agent.peer.nextResponse(180);
    await prack(ringing, 2);
    await stage.agent.inDialog("UPDATE", { answer: ringing, cseq: 3 });
    await stage.agent.peer.nextResponse(200);
    invite.accept({ body: SDP });
    const answer = await stage.agent.peer.nextResponse(200);
    await stage.agent.ack(request, answer);
    await stage.agent.inDialog("OPTIONS", { answer, cseq: 2 });
    await stage.agent.peer.nextResponse(500);
    await stage.agent.inDialog("OPTIONS", { answer, cseq: 4 });
    await stage.agent.peer.nextResponse(200);
  });
});

describe("RFC 3262 4 as the calling side", () => {
  const reliably = (rseq: number): { headers: ExtraHeaders } => ({
    headers: [
      ["Require", "100rel"],
      ["RSeq", String(rseq)],
    ],
  });

  it("the INVITE says Supported: 100rel; each reliable answer gets a PRACK, repeats and gaps get none", async () => {
    const seen: number[] = [];
    const invite = stage.call();
    invite.onProgress = (response) => seen.push(response.status);
    const request = await stage.agent.peer.nextRequest("INVITE");
    expect(request.headers.get("Supported")).toContain("100rel");
    await stage.agent.answer(request, 183, reliably(7000));
    const first = await stage.agent.peer.nextRequest("PRACK");
    expect(first.headers.get("RAck")).toBe("7000 1 INVITE");
    expect(first.cseq.number).toBe(2);
    expect(first.to.params.get("tag")).toBe(stage.agent.tag);
    await stage.agent.answer(first, 200);
    await stage.agent.answer(request, 183, reliably(7000));
    await stage.agent.answer(request, 180, reliably(7002));
    await stage.agent.answer(request, 180, reliably(7001));
    const second = await stage.agent.peer.nextRequest("PRACK");
    expect(second.headers.get("RAck")).toBe("7001 1 INVITE");
    expect(second.cseq.number).toBe(3);
    await settle();
    expect(seen).toEqual([183, 180]);
    expect(stage.agent.peer.waiting).toBe(0);
  });

  it("the confirmed dialog goes on with the CSeq, and the ACK has that of the INVITE", async () => {
    const invite = stage.call();
    invite.onAccepted = (_response, dialog) => dialog.bye();
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 183, reliably(1));
    const prackRequest = await stage.agent.peer.nextRequest("PRACK");
    await stage.agent.answer(prackRequest, 200);
    await stage.agent.answer(request, 200, { body: SDP });
    const names = [await stage.agent.peer.next(), await stage.agent.peer.next()];
    const numbers = names.map((one) => `${nameOf(one)} ${one.cseq.number}`).sort();
    expect(numbers).toEqual(["ACK 1", "BYE 3"]);
  });

  it("SIP-DLG-1 forks have numbers and PRACKs of their own", async () => {
    const invite = stage.call();
    const seen: string[] = [];
    invite.onProgress = (response) => seen.push(response.to.params.get("tag") ?? "");
    const request = await stage.agent.peer.nextRequest("INVITE");
    const other: ScriptedAgent = await stage.anotherAgent();
    await stage.agent.answer(request, 183, reliably(10));
    expect((await stage.agent.peer.nextRequest("PRACK")).headers.get("RAck")).toBe("10 1 INVITE");
    // The second fork answers with its own tag and Contact; its PRACK goes there.
    await other.answer(request, 183, reliably(500));
    const prackRequest = await other.peer.nextRequest("PRACK");
    expect(prackRequest.headers.get("RAck")).toBe("500 1 INVITE");
    expect(prackRequest.cseq.number).toBe(2);
    expect(seen).toEqual([stage.agent.tag, other.tag]);
  });

  it("route set and target of the PRACK come from the answer (RFC 3261 12.1.2)", async () => {
    stage.call();
    const request = await stage.agent.peer.nextRequest("INVITE");
    const via = `<sip:127.0.0.1:${stage.agent.peer.port};lr>`;
    const headers: ExtraHeaders = [...reliably(1).headers, ["Record-Route", `<sip:p2.example.net;lr>, ${via}`]];
    await stage.agent.answer(request, 183, { headers, contact: "<sip:inner@198.51.100.9>" });
    const prackRequest = await stage.agent.peer.nextRequest("PRACK");
    expect(prackRequest.uri).toMatchObject({ user: "inner", host: "198.51.100.9" });
    expect(prackRequest.headers.all("Route").join(", ")).toBe(`${via}, <sip:p2.example.net;lr>`);
  });

  it("RFC 3311 5.2 UPDATE of the callee before its answer: 200 without an offer, 491 with one; BYE gets 481", async () => {
    stage.call();
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 183, reliably(1));
    await stage.agent.peer.nextRequest("PRACK");
    await stage.agent.inDialog("UPDATE", { invite: request, cseq: 1 });
    await stage.agent.peer.nextResponse(200);
    await stage.agent.inDialog("UPDATE", { invite: request, cseq: 2, body: SDP });
    await stage.agent.peer.nextResponse(491);
    await stage.agent.inDialog("BYE", { invite: request, cseq: 3 });
    await stage.agent.peer.nextResponse(481);
    await stage.agent.inDialog("UPDATE", { invite: request, cseq: 1 });
    await stage.agent.peer.nextResponse(500);
  });

  it("nothing is left of early dialogs when the INVITE is refused", async () => {
    const invite = stage.call();
    const rejected: number[] = [];
    invite.onRejected = (response) => rejected.push(response.status);
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 183, reliably(1));
    await stage.agent.answer(await stage.agent.peer.nextRequest("PRACK"), 200);
    await stage.agent.answer(request, 486);
    await reached(() => rejected.length === 1, "the rejection");
    expect(stage.test.stack.activeDialogs).toBe(0);
    stage.clock.advance(40_000);
    expect(stage.test.stack.activeTransactions).toBe(0);
    expect(stage.clock.pendingTimers).toBe(0);
  });
});
