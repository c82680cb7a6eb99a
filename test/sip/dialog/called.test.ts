/** Calls that come to the stack (RFC 3261 §12, §13.3, §14.2, §15; RFC 3311; RFC 3326), with a peer on a real socket. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ExtraHeaders, SipRequest, SipResponse } from "../../../src/sip/message.ts";
import type { Dialog, DialogEnd, IncomingInvite } from "../../../src/sip/user-agent.ts";
import { SDP, Stage, settle } from "../../support/sip-scripts.ts";
import { nameOf, reached } from "../../support/sip-wire.ts";

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.start();
});
afterEach(() => stage.stop());

/** An answered call whose ACK came. */
async function answered(
  fields: Parameters<Stage["called"]>[0] = {},
): Promise<{ request: SipRequest; answer: SipResponse; dialog: Dialog; ends: DialogEnd[]; invite: IncomingInvite }> {
  const { request, invite } = await stage.called(fields);
  const dialog = invite.accept({ body: SDP });
  const ends: DialogEnd[] = [];
  dialog.onEnded = (end) => ends.push(end);
  let acks = 0;
  dialog.onAck = () => acks++;
  const answer = await stage.agent.peer.nextResponse(200);
  await stage.agent.ack(request, answer);
  await reached(() => acks === 1, "the ACK");
  return { request, answer, dialog, ends, invite };
}

/** Sends a request in the dialog and returns the answer. */
async function asked(method: string, fields: Parameters<typeof stage.agent.inDialog>[1]): Promise<SipResponse> {
  await stage.agent.inDialog(method, fields);
  const message = await stage.agent.peer.next(`the answer to ${method}`);
  if (message.kind !== "response") throw new Error(`${method}: a request came`);
  return message;
}

describe("RFC 3261 13.3.1 answers to an INVITE", () => {
  it("SIP-TXN-5, R-TERM-10 100 goes out within 200 ms when nothing else did, with the Timestamp of the request (8.2.6.1)", async () => {
    await stage.called({ headers: [["Timestamp", "54.3"]] });
    stage.clock.advance(199);
    const trying = await stage.agent.peer.nextResponse(100);
    expect(trying.headers.get("Timestamp")).toBe("54.3");
    expect(trying.to.params.has("tag")).toBe(false);
  });

  it("12.1.1 180 and 200 carry one To tag, Contact, Allow and the Record-Route values as they came", async () => {
    const routes = "<sip:p2.example.net;lr>, <sip:p1.example.net;lr>";
    const { invite } = await stage.called({ headers: [["Record-Route", routes]] });
    invite.progress(180);
    const ringing = await stage.agent.peer.nextResponse(180);
    invite.accept({ body: SDP });
    const ok = await stage.agent.peer.nextResponse(200);
    for (const answer of [ringing, ok]) {
      expect(answer.to.params.get("tag")).toBe(invite.localTag);
      expect(answer.headers.get("Record-Route")).toBe(routes);
      expect(answer.headers.get("Contact")).toBe(`<sip:127.0.0.1:${stage.test.port("udp")}>`);
      expect(answer.headers.get("Allow")).toContain("UPDATE");
    }
    expect(ok.headers.get("Supported")).toBe("100rel, timer");
  });

  it("13.3.1.1 a provisional answer is repeated each minute", async () => {
    const { invite } = await stage.called();
    invite.progress(180);
    await stage.agent.peer.nextResponse(180);
    stage.clock.advance(59_999);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    stage.clock.advance(1);
    await stage.agent.peer.nextResponse(180);
  });

  it("13.3.1 Expires ends the INVITE with 487", async () => {
    const { invite } = await stage.called({ headers: [["Expires", "5"]] });
    const ends: string[] = [];
    invite.onCancelled = (reason) => ends.push(reason);
    stage.clock.advance(4999);
    expect(ends).toEqual([]);
    stage.clock.advance(1);
    expect(ends).toEqual(["the INVITE expired"]);
  });

  it("SIP-TXN-6 the 2xx is repeated at T1 doubling to T2 until the ACK, and the session ends with BYE without one", async () => {
    const { invite } = await stage.called();
    const dialog = invite.accept({ body: SDP });
    const ends: DialogEnd[] = [];
    dialog.onEnded = (end) => ends.push(end);
    const { sent } = stage.test;
    const start = sent.length;
    const counts = [499, 1, 1000, 2000, 4000, 4000].map((ms) => {
      stage.clock.advance(ms);
      return sent.length - start;
    });
    expect(counts).toEqual([0, 1, 2, 3, 4, 5]);
    stage.clock.advance(32_000 - 11_500);
    expect(ends).toMatchObject([{ by: "error" }]);
    await reached(() => sent.some(({ message }) => message.kind === "request" && message.method === "BYE"), "BYE");
    expect(stage.test.stack.activeDialogs).toBe(0);
  });

  it("RFC 4475 hardening: a Record-Route that cannot be read gets 400, and no call begins", async () => {
    await stage.agent.request("INVITE", { body: SDP, headers: [["Record-Route", "<sip:p1.example.net;lr"]] });
    const answer = await stage.agent.peer.nextResponse(400);
    expect(answer.reason).not.toBe("");
    expect(stage.invites).toHaveLength(0);
  });
});

describe("RFC 3261 9.2 CANCEL", () => {
  it("200 to the CANCEL, 487 to the INVITE, the Reason goes up (RFC 3326)", async () => {
    const { request, invite } = await stage.called({ branch: "z9hG4bKcancelled" });
    const ends: string[] = [];
    invite.onCancelled = (reason) => ends.push(reason);
    const branch = request.vias[0]!.params.get("branch")!;
    const reason = 'SIP;cause=200;text="Call completed elsewhere"';
    await stage.agent.request("CANCEL", { branch, callId: request.callId, headers: [["Reason", reason]] });
    const cancelled = await stage.agent.peer.nextResponse(200);
    const terminated = await stage.agent.peer.nextResponse(487);
    expect(cancelled.cseq.method).toBe("CANCEL");
    expect(cancelled.to.params.get("tag")).toBe(terminated.to.params.get("tag"));
    expect(ends).toEqual([reason]);
  });

  it("SIP-CAN-3 is neither judged by admission nor refused for what it requires", async () => {
    const { request, invite } = await stage.called({ branch: "z9hG4bKreq" });
    const reasons: string[] = [];
    invite.onCancelled = (reason) => reasons.push(reason);
    stage.test.stack.admit = () => ({ status: 407 });
    const headers: ExtraHeaders = [["Require", "nothing-we-know"]];
    await stage.agent.request("CANCEL", { branch: "z9hG4bKreq", callId: request.callId, headers });
    const statuses = [await stage.agent.peer.next(), await stage.agent.peer.next()].map(nameOf).sort();
    expect(statuses).toEqual(["200 CANCEL", "487 INVITE"]);
    expect(reasons).toHaveLength(1);
  });

  it("SIP-CAN-3 one that came before anybody listened is told to whoever listens late, once", async () => {
    const { request, invite } = await stage.called({ branch: "z9hG4bKearly" });
    await stage.agent.request("CANCEL", { branch: "z9hG4bKearly", callId: request.callId });
    const statuses = [await stage.agent.peer.next(), await stage.agent.peer.next()].map(nameOf).sort();
    expect(statuses).toEqual(["200 CANCEL", "487 INVITE"]);
    const ends: string[] = [];
    invite.onCancelled = (reason, cancel) => ends.push(`${cancel?.method}: ${reason}`);
    invite.onCancelled = (reason) => ends.push(reason);
    expect(ends).toEqual(["CANCEL: the caller gave up"]);
  });

  it("after the 2xx it has no effect", async () => {
    const { request, dialog } = await answered({ branch: "z9hG4bKtoolate" });
    await stage.agent.request("CANCEL", { branch: "z9hG4bKtoolate", callId: request.callId });
    expect((await stage.agent.peer.nextResponse(200)).cseq.method).toBe("CANCEL");
    expect(dialog.ended).toBe(false);
  });
});

describe("RFC 3261 12.2.2 requests in a dialog", () => {
  it("a lower CSeq gets 500, a higher one with a gap is fine", async () => {
    const { answer } = await answered({ cseq: 10 });
    expect((await asked("OPTIONS", { answer, cseq: 20 })).status).toBe(200);
    expect(await asked("OPTIONS", { answer, cseq: 19 })).toMatchObject({ status: 500, reason: "Request Out of Order" });
    expect((await asked("OPTIONS", { answer, cseq: 21 })).status).toBe(200);
  });

  it("SIP-DLG-4 a Route of an initial request leads nowhere: the call is taken here, and its dialog has no route set of it", async () => {
    const elsewhere = await stage.anotherAgent();
    const headers: ExtraHeaders = [
      ["Route", `<sip:127.0.0.1:${stage.test.port("udp")};lr>, <sip:127.0.0.1:${elsewhere.peer.port};lr>`],
    ];
    const { request, invite } = await stage.called({ headers });
    const dialog = invite.accept({ body: SDP });
    await stage.agent.ack(request, await stage.agent.peer.nextResponse(200));
    await settle();
    dialog.bye();
    const bye = await stage.agent.peer.nextRequest("BYE");
    expect(bye.headers.has("Route")).toBe(false);
    await stage.agent.request("OPTIONS", { headers });
    await stage.agent.peer.next("an answer to OPTIONS");
    expect(elsewhere.peer.received).toHaveLength(0);
  });

  it("SIP-DLG-8 unknown dialogs get 481, an ACK gets nothing", async () => {
    for (const method of ["BYE", "INVITE", "UPDATE", "INFO", "OPTIONS", "NOTIFY", "REFER", "PRACK"]) {
      await stage.agent.request(method, { toTag: "nobody" });
      expect((await stage.agent.peer.nextResponse(481)).cseq.method).toBe(method);
    }
    await stage.agent.request("ACK", { toTag: "nobody" });
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
  });

  it("SIP-DLG-13 unknown methods get 501, known ones that are not offered 405, both with Allow", async () => {
    const { answer } = await answered();
    const unknown = await asked("DANCE", { answer, cseq: 2 });
    const notOffered = await asked("SUBSCRIBE", { answer, cseq: 3 });
    expect([unknown.status, notOffered.status]).toEqual([501, 405]);
    expect(unknown.headers.get("Allow")).toBe(notOffered.headers.get("Allow"));
  });

  it("SIP-DLG-14 Require with an unknown tag gets 420 and Unsupported, inside a dialog and outside, never an ACK", async () => {
    const headers = [["Require", "timer, nothing-we-know, 100rel"]] as const;
    const { answer } = await answered();
    const inside = await asked("INFO", { answer, cseq: 2, headers });
    expect(inside.status).toBe(420);
    expect(inside.headers.get("Unsupported")).toBe("nothing-we-know");
    await stage.agent.request("OPTIONS", { headers });
    expect((await stage.agent.peer.nextResponse(420)).headers.get("Unsupported")).toBe("nothing-we-know");
  });

  it("R-AUTH-12 the right tags from another address get 481 and end nothing", async () => {
    const { answer, dialog } = await answered();
    const { UdpPeer } = await import("../../support/sip-wire.ts");
    const { ScriptedAgent } = await import("../../support/sip-scripts.ts");
    const foreign = await UdpPeer.open("127.0.0.9");
    const stranger = new ScriptedAgent(foreign, stage.test.port("udp"));
    await stranger.inDialog("BYE", { answer, cseq: 2 });
    // Without rport the answer goes to the source address and the port of the Via, which is the stranger's.
    expect((await foreign.nextResponse(481)).cseq.method).toBe("BYE");
    expect(dialog.ended).toBe(false);
    await foreign.close();
  });

  it("in-dialog OPTIONS is answered with what we can do", async () => {
    const { answer } = await answered();
    const options = await asked("OPTIONS", { answer, cseq: 2 });
    expect(options.headers.get("Accept")).toBe("application/sdp");
    expect(options.headers.get("Supported")).toBe("100rel, timer");
    expect(options.headers.get("Allow")).toContain("PRACK");
  });

  it("INFO and REFER go to the user, who answers once", async () => {
    const { answer, dialog } = await answered();
    dialog.onRequest = (incoming) => {
      incoming.respond(202);
      incoming.respond(500);
    };
    for (const [index, method] of ["INFO", "REFER"].entries())
      expect((await asked(method, { answer, cseq: 2 + index })).status).toBe(202);
  });
});

describe("RFC 3261 14.2, RFC 3311 5.2 re-INVITE and UPDATE of the far end", () => {
  it("is answered by the user; the 2xx to a re-INVITE is repeated until its ACK", async () => {
    const { answer, dialog } = await answered();
    dialog.onReoffer = (incoming) => incoming.respond(200, { body: SDP });
    const request = await stage.agent.inDialog("INVITE", { answer, cseq: 2, body: SDP });
    const first = await stage.agent.peer.nextResponse(200);
    stage.clock.advance(500);
    await stage.agent.peer.nextResponse(200);
    await stage.agent.ack(request, first);
    await settle();
    stage.clock.advance(10_000);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
  });

  it("without an ACK to that 2xx the session ends with BYE", async () => {
    const { answer, dialog, ends } = await answered();
    dialog.onReoffer = (incoming) => incoming.respond(200, { body: SDP });
    await asked("INVITE", { answer, cseq: 2, body: SDP });
    stage.clock.advance(32_000);
    expect(ends).toMatchObject([{ by: "error" }]);
    await settle();
    stage.agent.peer.skip();
    expect(stage.test.sent.some(({ message }) => message.kind === "request" && message.method === "BYE")).toBe(true);
  });

  it("SIP-INV-8 one that cannot be taken gets 488 by default, and the session goes on", async () => {
    const { answer, dialog } = await answered();
    expect((await asked("INVITE", { answer, cseq: 2, body: SDP })).status).toBe(488);
    expect(dialog.ended).toBe(false);
  });

  it("14.2 a second INVITE while the first is unanswered gets 500 with Retry-After from 0 to 10", async () => {
    const { answer, dialog } = await answered();
    dialog.onReoffer = () => undefined;
    await stage.agent.inDialog("INVITE", { answer, cseq: 2, body: SDP });
    const second = await asked("INVITE", { answer, cseq: 3, body: SDP });
    expect(second.status).toBe(500);
    expect(Number(second.headers.get("Retry-After"))).toBeLessThanOrEqual(10);
  });

  it("RFC 3311 5.2 UPDATE with an offer while theirs is unanswered gets 500 with Retry-After", async () => {
    const { answer, dialog } = await answered();
    dialog.onReoffer = () => undefined;
    await stage.agent.inDialog("UPDATE", { answer, cseq: 2, body: SDP });
    const second = await asked("UPDATE", { answer, cseq: 3, body: SDP });
    expect(second.status).toBe(500);
    expect(second.headers.has("Retry-After")).toBe(true);
  });

  it("RFC 3261 14.2, RFC 3311 5.2 while our own offer is open both get 491", async () => {
    const { answer, dialog } = await answered();
    void dialog.reoffer("INVITE", SDP).catch(() => undefined);
    const ours = await stage.agent.peer.nextRequest("INVITE");
    expect((await asked("INVITE", { answer, cseq: 2, body: SDP })).status).toBe(491);
    expect((await asked("UPDATE", { answer, cseq: 3, body: SDP })).status).toBe(491);
    await stage.agent.answer(ours, 200, { body: SDP });
    await stage.agent.peer.nextRequest("ACK");
  });

  it("SIP-UPD-3 UPDATE without an offer is answered 200 even while an offer is open", async () => {
    const { answer, dialog } = await answered();
    dialog.onReoffer = () => undefined;
    await stage.agent.inDialog("INVITE", { answer, cseq: 2, body: SDP });
    expect((await asked("UPDATE", { answer, cseq: 3 })).status).toBe(200);
  });

  it("12.2.2 the remote target follows the Contact of a re-INVITE that was accepted", async () => {
    const { answer, dialog } = await answered();
    dialog.onReoffer = (incoming) => incoming.respond(200, { body: SDP });
    const moved = await stage.anotherAgent();
    const contact = stage.agent.contact;
    Object.defineProperty(stage.agent, "contact", { value: moved.contact, configurable: true });
    const request = await stage.agent.inDialog("INVITE", { answer, cseq: 2, body: SDP });
    await stage.agent.ack(request, await stage.agent.peer.nextResponse(200));
    Object.defineProperty(stage.agent, "contact", { value: contact });
    await settle();
    dialog.bye();
    const bye = await moved.peer.nextRequest("BYE");
    expect(bye.uri.port).toBe(moved.peer.port);
  });
});

describe("RFC 3261 15 BYE", () => {
  it("of the far end is answered 200 and reported once with its Reason (RFC 3326)", async () => {
    const { answer, ends } = await answered();
    const reason = "Q.850;cause=16";
    expect((await asked("BYE", { answer, cseq: 2, headers: [["Reason", reason]] })).status).toBe(200);
    expect(ends).toHaveLength(1);
    expect(ends[0]?.by === "remote" && ends[0].request.headers.get("Reason")).toBe(reason);
    expect(stage.test.stack.activeDialogs).toBe(0);
    expect((await asked("BYE", { answer, cseq: 3 })).status).toBe(481);
  });

  it("SIP-INV-9 of a callee waits for the ACK", async () => {
    const { request, invite } = await stage.called();
    const dialog = invite.accept({ body: SDP });
    const answer = await stage.agent.peer.nextResponse(200);
    dialog.bye([["Reason", 'SIP;cause=200;text="done"']]);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    await stage.agent.ack(request, answer);
    expect((await stage.agent.peer.nextRequest("BYE")).headers.get("Reason")).toBe('SIP;cause=200;text="done"');
  });

  it("of the caller before the ACK ends the session and the repeats", async () => {
    const { invite } = await stage.called();
    const ends: DialogEnd[] = [];
    invite.accept({ body: SDP }).onEnded = (end) => ends.push(end);
    const answer = await stage.agent.peer.nextResponse(200);
    expect((await asked("BYE", { answer, cseq: 2 })).status).toBe(200);
    expect(ends).toMatchObject([{ by: "remote" }]);
    stage.clock.advance(60_000);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
  });

  it("of the caller on the early dialog is answered, and the INVITE with 487", async () => {
    const { invite } = await stage.called();
    const ends: string[] = [];
    invite.onCancelled = (reason) => ends.push(reason);
    invite.progress(180);
    const ringing = await stage.agent.peer.nextResponse(180);
    expect((await asked("BYE", { answer: ringing, cseq: 2 })).status).toBe(200);
    await stage.agent.peer.nextResponse(487);
    expect(ends).toEqual(["BYE before the answer"]);
  });

  it("SIP-INV-10 is the end even when nobody answers it", async () => {
    const { dialog } = await answered();
    dialog.bye();
    await stage.agent.peer.nextRequest("BYE");
    expect(dialog.ended).toBe(true);
    expect(stage.test.stack.activeDialogs).toBe(0);
    stage.clock.advance(40_000);
    await settle();
    expect(stage.test.stack.activeTransactions).toBe(0);
  });
});

describe("early requests (RFC 3311 5.2)", () => {
  it("UPDATE with an offer before the first is answered gets 500 with Retry-After, without one 200", async () => {
    const { invite } = await stage.called();
    invite.progress(180);
    const ringing = await stage.agent.peer.nextResponse(180);
    const offered = await asked("UPDATE", { answer: ringing, cseq: 2, body: SDP });
    expect(offered.status).toBe(500);
    expect(offered.headers.has("Retry-After")).toBe(true);
    expect((await asked("UPDATE", { answer: ringing, cseq: 3 })).status).toBe(200);
    expect((await asked("UPDATE", { answer: ringing, cseq: 2 })).status).toBe(500);
  });
});

describe("SIP-DLG-11, R-KEEP-1 outside of dialogs", () => {
  it("Max-Forwards 0 gets 483, and OPTIONS 200 with Allow, Accept and Supported", async () => {
    stage.test.stack.onRequest = (incoming) => incoming.respond(200, { headers: [["Accept", "application/sdp"]] });
    const raw = (method: string): Buffer =>
      Buffer.from(
        `${method} sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${stage.agent.peer.port};branch=z9hG4bKhop${method}\r\n` +
          `Max-Forwards: 0\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: hop-${method}\r\nCSeq: 1 ${method}\r\n` +
          `Contact: <sip:a@127.0.0.1>\r\nContent-Length: 0\r\n\r\n`,
      );
    await stage.agent.sendRaw(raw("INVITE"));
    await stage.agent.peer.nextResponse(483);
    await stage.agent.sendRaw(raw("OPTIONS"));
    const options = await stage.agent.peer.nextResponse(200);
    for (const header of ["Allow", "Accept", "Supported"]) expect(options.headers.has(header), header).toBe(true);
  });
});
