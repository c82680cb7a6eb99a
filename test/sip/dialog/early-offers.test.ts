/** Offers and answers before the INVITE is answered (RFC 3262 §5, RFC 3311 §5, RFC 6337), both ways, with a peer on a real socket. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ExtraHeaders, SipBody, SipRequest, SipResponse } from "../../../src/sip/message.ts";
import type { Dialog, IncomingInvite, InDialogRequest } from "../../../src/sip/user-agent.ts";
import { SDP, Stage, settle } from "../../support/sip-scripts.ts";
import { nameOf, reached } from "../../support/sip-wire.ts";

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.start();
});
afterEach(() => stage.stop());

const SUPPORTED: ExtraHeaders = [["Supported", "100rel"]];

/** A body that can be told from others. */
function described(name: string): SipBody {
  return { contentType: "application/sdp", content: `v=0\r\no=- ${name} 1 IN IP4 127.0.0.1\r\n` };
}

const textOf = (message: SipRequest | SipResponse): string => Buffer.from(message.body).toString();

function reliably(rseq: number, body?: SipBody): { headers: ExtraHeaders; body?: SipBody } {
  const headers: ExtraHeaders = [
    ["Require", "100rel"],
    ["RSeq", String(rseq)],
  ];
  return { headers, ...(body === undefined ? {} : { body }) };
}

function prack(answer: SipResponse, cseq: number, body?: SipBody): Promise<SipRequest> {
  const headers: ExtraHeaders = [["RAck", `${answer.headers.get("RSeq")} 1 INVITE`]];
  return stage.agent.inDialog("PRACK", { answer, cseq, headers, ...(body === undefined ? {} : { body }) });
}

function update(answer: SipResponse, cseq: number, body?: SipBody): Promise<SipRequest> {
  return stage.agent.inDialog("UPDATE", { answer, cseq, ...(body === undefined ? {} : { body }) });
}

/** Keeps the offers that come, for the test to answer. */
function collected(invite: { onReoffer: ((request: InDialogRequest) => void) | undefined }): InDialogRequest[] {
  const offers: InDialogRequest[] = [];
  invite.onReoffer = (offer) => offers.push(offer);
  return offers;
}

describe("as the called side", () => {
  /** The caller's offer has its answer in a reliable 183. */
  async function earlyAnswered(): Promise<{ request: SipRequest; invite: IncomingInvite; early: SipResponse }> {
    const { request, invite } = await stage.called({ headers: SUPPORTED });
    invite.progress(183, { body: described("answer") });
    return { request, invite, early: await stage.agent.peer.nextResponse(183) };
  }

  it("SIP-PRK-5 an offer in PRACK is answered in its 200, and what waits behind the PRACK leaves after it", async () => {
    const { request, invite, early } = await earlyAnswered();
    const offers = collected(invite);
    invite.progress(180);
    await prack(early, 2, described("offer2"));
    await reached(() => offers.length === 1, "the offer");
    expect(textOf(offers[0]!.request)).toContain("offer2");
    // The user takes its time: nothing overtakes, and the 183 is not repeated.
    stage.clock.advance(5000);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    offers[0]!.respond(200, { body: described("answer2") });
    const answer = await stage.agent.peer.nextResponse(200);
    expect(answer.cseq.method).toBe("PRACK");
    expect(textOf(answer)).toContain("answer2");
    await stage.agent.peer.nextResponse(180);
    invite.accept({ body: described("answer2") });
    await stage.agent.ack(request, await stage.agent.peer.nextResponse(200));
  });

  it("SIP-PRK-5 the 2xx waits until the offer in the PRACK is answered, which is the dialog's concern after accept", async () => {
    const { invite, early } = await earlyAnswered();
    const dialog = invite.accept({ body: described("answer") });
    const offers = collected(dialog);
    await prack(early, 2, described("offer2"));
    await reached(() => offers.length === 1, "the offer");
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    offers[0]!.respond(200, { body: described("answer2") });
    const names = [nameOf(await stage.agent.peer.next()), nameOf(await stage.agent.peer.next())];
    expect(names).toEqual(["200 PRACK", "200 INVITE"]);
  });

  it("an offer in PRACK that nobody takes gets 488, and the reliable answer counts as acknowledged", async () => {
    const { invite, early } = await earlyAnswered();
    await prack(early, 2, described("offer2"));
    await stage.agent.peer.nextResponse(488);
    invite.accept({ body: SDP });
    await stage.agent.peer.nextResponse(200);
  });

  it("an offer in PRACK before the first one is answered gets 488", async () => {
    const { invite } = await stage.called({ headers: [["Require", "100rel"]] });
    const offers = collected(invite);
    invite.progress(180);
    await prack(await stage.agent.peer.nextResponse(180), 2, described("offer2"));
    await stage.agent.peer.nextResponse(488);
    expect(offers).toHaveLength(0);
  });

  it("SIP-PRK-5 our offer in a reliable answer gets its answer in PRACK; the 2xx has none and its ACK needs none", async () => {
    const { request, invite } = await stage.called({ headers: SUPPORTED, body: undefined as never });
    expect(invite.takesEarlyOffer).toBe(true);
    const answers: string[] = [];
    invite.onEarlyAnswer = (one) => answers.push(textOf(one));
    invite.progress(183, { body: described("offer") });
    const early = await stage.agent.peer.nextResponse(183);
    expect(early.headers.get("Require")).toBe("100rel");
    await prack(early, 2, described("answer"));
    await stage.agent.peer.nextResponse(200);
    expect(answers).toEqual([described("answer").content]);
    const dialog = invite.accept({});
    const accepted = await stage.agent.peer.nextResponse(200);
    expect(accepted.body.length).toBe(0);
    await stage.agent.ack(request, accepted);
    // The exchange is over: an offer may follow at once.
    const offers = collected(dialog);
    await update(accepted, 3, described("offer2"));
    await reached(() => offers.length === 1, "the offer");
  });

  it("a caller without 100rel takes no early offer", async () => {
    const { invite } = await stage.called({ body: undefined as never });
    expect(invite.takesEarlyOffer).toBe(false);
  });

  it("SIP-UPD-1 UPDATE with an offer after the first exchange is answered, and refreshes the target", async () => {
    const { request, invite, early } = await earlyAnswered();
    await prack(early, 2);
    await stage.agent.peer.nextResponse(200);
    const offers = collected(invite);
    await update(early, 3, described("offer2"));
    await reached(() => offers.length === 1, "the offer");
    offers[0]!.respond(200, { body: described("answer2") });
    const answer = await stage.agent.peer.nextResponse(200);
    expect(textOf(answer)).toContain("answer2");
    expect(answer.headers.get("Contact")).toContain(`127.0.0.1:${stage.test.port("udp")}`);
    const other = await stage.anotherAgent();
    await stage.agent.inDialog("UPDATE", {
      answer: early,
      cseq: 4,
      headers: [],
      contact: other.contact,
    });
    await stage.agent.peer.nextResponse(200);
    const dialog = invite.accept({ body: described("answer2") });
    await stage.agent.ack(request, await stage.agent.peer.nextResponse(200));
    await settle();
    dialog.bye();
    await other.peer.nextRequest("BYE");
  });

  it("SIP-UPD-2 491 while our offer is open, 500 with Retry-After while theirs is, 488 when it is no good", async () => {
    // Theirs: the INVITE's own offer has no reliable answer yet, then an UPDATE is with the user.
    const first = await earlyAnswered();
    await prack(first.early, 2);
    await stage.agent.peer.nextResponse(200);
    const offers = collected(first.invite);
    await update(first.early, 3, described("offer2"));
    await reached(() => offers.length === 1, "the offer");
    await update(first.early, 4, described("offer3"));
    expect((await stage.agent.peer.nextResponse(500)).headers.get("Retry-After")).toMatch(/^\d$/);
    offers[0]!.respond(488);
    await stage.agent.peer.nextResponse(488);
    await update(first.early, 5, described("offer4"));
    await reached(() => offers.length === 2, "the next offer");
    // Ours: the offer in the 183 to an INVITE without one waits for its PRACK.
    const second = await stage.called({ headers: SUPPORTED, body: undefined as never });
    const none = collected(second.invite);
    second.invite.progress(183, { body: described("offer") });
    const early = await stage.agent.peer.nextResponse(183);
    await update(early, 2, described("offer2"));
    await stage.agent.peer.nextResponse(491);
    expect(none).toHaveLength(0);
  });

  it("SIP-UPD-2 UPDATE with an offer before the ACK that answers the offer of our 2xx gets 491", async () => {
    const { request, invite } = await stage.called({ body: undefined as never });
    const dialog = invite.accept({ body: described("offer") });
    const offers = collected(dialog);
    const answer = await stage.agent.peer.nextResponse(200);
    await update(answer, 2, described("offer2"));
    await stage.agent.peer.nextResponse(491);
    await stage.agent.ack(request, answer, described("answer"));
    await settle();
    await update(answer, 3, described("offer2"));
    await reached(() => offers.length === 1, "the offer");
  });

  it("an offer that the user still looks at when it accepts keeps others out until it is answered", async () => {
    const { request, invite, early } = await earlyAnswered();
    await prack(early, 2);
    await stage.agent.peer.nextResponse(200);
    const offers = collected(invite);
    await update(early, 3, described("offer2"));
    await reached(() => offers.length === 1, "the offer");
    const dialog = invite.accept({ body: described("answer") });
    const accepted = await stage.agent.peer.nextResponse(200);
    await stage.agent.ack(request, accepted);
    const later = collected(dialog);
    await update(early, 4, described("offer3"));
    await stage.agent.peer.nextResponse(500);
    offers[0]!.respond(200, { body: described("answer2") });
    await stage.agent.peer.nextResponse(200);
    await update(early, 5, described("offer3"));
    await reached(() => later.length === 1, "the next offer");
  });

  it("R-AUTH-12 UPDATE, PRACK and BYE on an early dialog from a foreign address get 481", async () => {
    const { invite, early } = await earlyAnswered();
    const offers = collected(invite);
    const cancelled: string[] = [];
    invite.onCancelled = (reason) => cancelled.push(reason);
    const foreign = await stage.anotherAgent("127.0.0.9");
    for (const [index, method] of ["PRACK", "UPDATE", "BYE"].entries()) {
      await foreign.inDialog(method, {
        answer: early,
        cseq: 2 + index,
        headers: [["RAck", `${early.headers.get("RSeq")} 1 INVITE`]],
        body: SDP,
      });
      await foreign.peer.nextResponse(481);
    }
    expect(offers).toHaveLength(0);
    expect(cancelled).toHaveLength(0);
    await prack(early, 2);
    await stage.agent.peer.nextResponse(200);
  });
});

describe("as the calling side", () => {
  it("SIP-PRK-5 the offer in a reliable answer is answered in PRACK, and the ACK has no body", async () => {
    const invite = stage.call({ body: undefined as never });
    const order: string[] = [];
    invite.onProgress = (response) => order.push(`progress ${response.status}`);
    let answerIt: ((body: SipBody | undefined) => void) | undefined;
    invite.onOffer = (response, answer) => {
      order.push(`offer ${response.status}`);
      answerIt = answer;
    };
    let dialog: Dialog | undefined;
    invite.onAccepted = (_response, made) => {
      dialog = made;
    };
    const request = await stage.agent.peer.nextRequest("INVITE");
    expect(request.body.length).toBe(0);
    await stage.agent.answer(request, 183, reliably(5, described("offer")));
    await reached(() => answerIt !== undefined, "the offer");
    expect(order).toEqual(["progress 183", "offer 183"]);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    answerIt!(described("answer"));
    const acknowledged = await stage.agent.peer.nextRequest("PRACK");
    expect(textOf(acknowledged)).toContain("answer");
    expect(acknowledged.headers.get("RAck")).toBe("5 1 INVITE");
    await stage.agent.answer(acknowledged, 200);
    await stage.agent.answer(request, 200);
    expect((await stage.agent.peer.nextRequest("ACK")).body.length).toBe(0);
    expect(dialog).toBeDefined();
  });

  it("an offer in a reliable answer that is no good: PRACK without an answer, and CANCEL", async () => {
    const invite = stage.call({ body: undefined as never });
    invite.onOffer = (_response, answer) => answer(undefined);
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 183, reliably(5, described("offer")));
    const names = [nameOf(await stage.agent.peer.next()), nameOf(await stage.agent.peer.next())].sort();
    expect(names).toEqual(["CANCEL", "PRACK"]);
    const cancel = stage.agent.peer.received.find((one) => nameOf(one) === "CANCEL");
    expect(cancel?.headers.get("Reason")).toContain("cause=488");
  });

  it("SIP-UPD-1, SIP-UPD-2 UPDATE of the callee: 491 before our offer has a reliable answer, then it goes to the user", async () => {
    const invite = stage.call();
    const offers = collected(invite);
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 180, reliably(1));
    await stage.agent.answer(await stage.agent.peer.nextRequest("PRACK"), 200);
    await stage.agent.inDialog("UPDATE", { invite: request, cseq: 1, body: described("offer2") });
    await stage.agent.peer.nextResponse(491);
    await stage.agent.answer(request, 183, reliably(2, described("answer")));
    await stage.agent.answer(await stage.agent.peer.nextRequest("PRACK"), 200);
    await stage.agent.inDialog("UPDATE", { invite: request, cseq: 2, body: described("offer2") });
    await reached(() => offers.length === 1, "the offer");
    await stage.agent.inDialog("UPDATE", { invite: request, cseq: 3, body: described("offer3") });
    await stage.agent.peer.nextResponse(500);
    offers[0]!.respond(200, { body: described("answer2") });
    const answer = await stage.agent.peer.nextResponse(200);
    expect(textOf(answer)).toContain("answer2");
    expect(answer.headers.has("Contact")).toBe(true);
    // Accepted, the dialog goes on where the early one was.
    let dialog: Dialog | undefined;
    invite.onAccepted = (_response, made) => {
      dialog = made;
    };
    await stage.agent.answer(request, 200);
    await stage.agent.peer.nextRequest("ACK");
    const later = collected(dialog!);
    await stage.agent.inDialog("UPDATE", { invite: request, cseq: 4, body: described("offer4") });
    await reached(() => later.length === 1, "the later offer");
  });

  it("a description in an answer that is not reliable ends no exchange: UPDATE still gets 491", async () => {
    stage.call();
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 183, { body: described("answer") });
    await stage.agent.inDialog("UPDATE", { invite: request, cseq: 1, body: described("offer2") });
    await stage.agent.peer.nextResponse(491);
  });

  it("without a user for it an early UPDATE gets 488; the call goes on", async () => {
    stage.call();
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 183, reliably(1, described("answer")));
    await stage.agent.answer(await stage.agent.peer.nextRequest("PRACK"), 200);
    await stage.agent.inDialog("UPDATE", { invite: request, cseq: 1, body: described("offer2") });
    await stage.agent.peer.nextResponse(488);
    await stage.agent.answer(request, 200);
    await stage.agent.peer.nextRequest("ACK");
  });

  it("22.3 a PRACK that is challenged is sent again with credentials", async () => {
    stage.call({ credentials: { username: "u", password: "p" } });
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 183, reliably(9));
    const first = await stage.agent.peer.nextRequest("PRACK");
    await stage.agent.answer(first, 407, { headers: [["Proxy-Authenticate", 'Digest realm="r", nonce="n"']] });
    const second = await stage.agent.peer.nextRequest("PRACK");
    expect(second.headers.get("Proxy-Authorization")).toContain('realm="r"');
    expect(second.cseq.number).toBe(first.cseq.number + 1);
  });
});

describe("glare in the confirmed dialog", () => {
  async function calling(): Promise<{ request: SipRequest; dialog: Dialog }> {
    const invite = stage.call();
    let dialog: Dialog | undefined;
    invite.onAccepted = (_response, made) => {
      dialog = made;
    };
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 200, { body: SDP });
    await stage.agent.peer.nextRequest("ACK");
    return { request, dialog: dialog! };
  }

  it("RFC 3261 14.1 an offer of ours waits for the ACK of our 2xx, and goes out with it", async () => {
    const { request, invite } = await stage.called();
    const dialog = invite.accept({ body: SDP });
    const answer = await stage.agent.peer.nextResponse(200);
    const done = dialog.reoffer("INVITE", described("ours"));
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    await stage.agent.ack(request, answer);
    const again = await stage.agent.peer.nextRequest("INVITE");
    expect(textOf(again)).toContain("ours");
    await stage.agent.answer(again, 200, { body: SDP });
    expect((await done).status).toBe(200);
  });

  it("an offer of ours that waits is given up with its dialog", async () => {
    const { invite } = await stage.called();
    const dialog = invite.accept({ body: SDP });
    const answer = await stage.agent.peer.nextResponse(200);
    const failed = expect(dialog.reoffer("INVITE", SDP)).rejects.toThrow("the dialog ended");
    await stage.agent.inDialog("BYE", { answer, cseq: 2 });
    await stage.agent.peer.nextResponse(200);
    await failed;
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
  });

  it("SIP-INV-7 while we wait after a 491 their offer is taken, and ours goes after it", async () => {
    const { request, dialog } = await calling();
    const offers = collected(dialog);
    const done = dialog.reoffer("INVITE", SDP);
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 491);
    await stage.agent.peer.nextRequest("ACK");
    await settle();
    await stage.agent.inDialog("UPDATE", { invite: request, cseq: 1, body: described("theirs") });
    await reached(() => offers.length === 1, "their offer");
    stage.clock.advance(4000);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    offers[0]!.respond(200, { body: described("answer") });
    await stage.agent.peer.nextResponse(200);
    stage.clock.advance(4000);
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 200, { body: SDP });
    expect((await done).status).toBe(200);
  });
});
