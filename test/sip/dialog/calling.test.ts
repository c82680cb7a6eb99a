/**
 * Calls that the stack makes (RFC 3261 §9.1, §12.1.2, §13.2, §14.1, §22; RFC 3263 §4.3; RFC 6026 §8.4), with peers on
 * real sockets and a clock that is moved by hand.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GatewayError } from "../../../src/base/errors.ts";
import { digestHa1, parseCredentials, verifyResponse } from "../../../src/sip/digest.ts";
import type { ExtraHeaders, SipRequest, SipResponse } from "../../../src/sip/message.ts";
import { formatUri, parseUri } from "../../../src/sip/uri.ts";
import type { Dialog, DialogEnd, OutgoingInvite } from "../../../src/sip/user-agent.ts";
import { ScriptedAgent, SDP, Stage, settle } from "../../support/sip-scripts.ts";
import { nameOf, reached, UdpPeer } from "../../support/sip-wire.ts";

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.start();
});
afterEach(() => stage.stop());

interface Watched {
  readonly invite: OutgoingInvite;
  readonly log: string[];
  readonly dialogs: Dialog[];
}

/** Writes down what the user of the stack is told. */
function watch(invite: OutgoingInvite): Watched {
  const log: string[] = [];
  const dialogs: Dialog[] = [];
  invite.onFirstAnswer = () => log.push("first");
  invite.onProgress = (response) => log.push(`progress ${response.status}`);
  invite.onAccepted = (_response, dialog) => {
    log.push("accepted");
    dialogs.push(dialog);
  };
  invite.onRejected = (response) => log.push(`rejected ${response.status}`);
  invite.onFailed = (error: GatewayError) => log.push(`failed ${error.code}`);
  return { invite, log, dialogs };
}

/** A call that was answered, with its ACK gone out. */
async function inCall(headers: ExtraHeaders = []): Promise<{ request: SipRequest; dialog: Dialog; ends: DialogEnd[] }> {
  const { dialogs } = watch(stage.call());
  const request = await stage.agent.peer.nextRequest("INVITE");
  await stage.agent.answer(request, 200, { body: SDP, headers });
  await stage.agent.peer.nextRequest("ACK");
  const ends: DialogEnd[] = [];
  dialogs[0]!.onEnded = (end) => ends.push(end);
  return { request, dialog: dialogs[0]!, ends };
}

describe("RFC 3261 13.2.2.4, RFC 6026 8.4 answers 2xx", () => {
  it("the ACK has its own branch, the CSeq of the INVITE, the Contact of the answer, and its Record-Route in reverse", async () => {
    watch(stage.call());
    const request = await stage.agent.peer.nextRequest("INVITE");
    const via = `<sip:127.0.0.1:${stage.agent.peer.port};lr>`;
    await stage.agent.answer(request, 200, {
      body: SDP,
      contact: "<sip:inner@198.51.100.9:5070>",
      headers: [["Record-Route", `<sip:p2.example.net;lr>, ${via}`]],
    });
    const ack = await stage.agent.peer.nextRequest("ACK");
    expect(ack.vias[0]?.params.get("branch")).not.toBe(request.vias[0]?.params.get("branch"));
    expect(ack.cseq.number).toBe(request.cseq.number);
    expect(ack.uri).toMatchObject({ user: "inner", host: "198.51.100.9", port: 5070 });
    expect(ack.headers.all("Route").join(", ")).toBe(`${via}, <sip:p2.example.net;lr>`);
  });

  it("12.2.1.1 a strict router gets the request in its own name, with the target last in Route", async () => {
    const strict = `sip:127.0.0.1:${stage.agent.peer.port}`;
    const { dialog } = await inCall([["Record-Route", `<${strict}>`]]);
    dialog.bye();
    const bye = await stage.agent.peer.nextRequest("BYE");
    expect(bye.uri.user).toBeUndefined();
    expect(bye.headers.get("Route")).toContain("sip:peer@127.0.0.1");
  });

  it("each repeat of the 2xx gets the same ACK again", async () => {
    watch(stage.call());
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 200, { body: SDP });
    const first = await stage.agent.peer.nextRequest("ACK");
    await stage.agent.answer(request, 200, { body: SDP });
    const second = await stage.agent.peer.nextRequest("ACK");
    expect(second.vias[0]?.params.get("branch")).toBe(first.vias[0]?.params.get("branch"));
  });

  it("a repeat of the first 2xx after a re-INVITE gets the ACK of the first", async () => {
    const { request, dialog } = await inCall();
    const reoffer = dialog.reoffer("INVITE", SDP);
    const second = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(second, 200, { body: SDP });
    expect((await stage.agent.peer.nextRequest("ACK")).cseq.number).toBe(second.cseq.number);
    await reoffer;
    await stage.agent.answer(request, 200, { body: SDP });
    expect((await stage.agent.peer.nextRequest("ACK")).cseq.number).toBe(request.cseq.number);
  });

  it("SIP-INV-2 the first 2xx wins, one of another fork is acknowledged and ended with BYE", async () => {
    const { log } = watch(stage.call());
    const other = await stage.anotherAgent();
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 200, { body: SDP });
    await stage.agent.peer.nextRequest("ACK");
    await other.answer(request, 200, { body: SDP });
    const names = [await other.peer.next(), await other.peer.next()].map(nameOf).sort();
    expect(names).toEqual(["ACK", "BYE"]);
    expect(log).toEqual(["first", "accepted"]);
    expect(stage.agent.peer.waiting).toBe(0);
  });

  it("SIP-DLG-1 provisional answers of forks reach the user with their tags", async () => {
    const { log } = watch(stage.call());
    const other = await stage.anotherAgent();
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 180);
    await other.answer(request, 183, { body: SDP });
    await reached(() => log.length === 3, "both");
    expect(log).toEqual(["first", "progress 180", "progress 183"]);
    expect(stage.test.stack.activeDialogs).toBe(2);
  });

  it("a delayed offer is acknowledged by the user, with the answer", async () => {
    const invite = stage.test.stack.invite({
      uri: parseUri(`sip:callee@127.0.0.1:${stage.agent.peer.port}`),
      from: (await import("../../../src/sip/name-addr.ts")).parseNameAddr("<sip:caller@127.0.0.1>"),
      to: (await import("../../../src/sip/name-addr.ts")).parseNameAddr("<sip:callee@127.0.0.1>"),
    });
    const { dialogs } = watch(invite);
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 200, { body: SDP });
    await reached(() => dialogs.length === 1, "the dialog");
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    dialogs[0]!.acknowledge(SDP);
    expect(Buffer.from((await stage.agent.peer.nextRequest("ACK")).body).toString()).toBe(SDP.content);
  });

  it("hardening R1 a 2xx whose Record-Route cannot be read is acknowledged all the same", async () => {
    const { log } = watch(stage.call());
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 200, { body: SDP, headers: [["Record-Route", "<sip:p1"]] });
    await stage.agent.peer.nextRequest("ACK");
    expect(log).toContain("accepted");
    expect(stage.test.stack.counters.faults).toBe(0);
  });
});

describe("RFC 3261 9.1 CANCEL", () => {
  it("SIP-CAN-1 waits for a provisional answer, and copies what it must", async () => {
    const { invite, log } = watch(stage.call());
    const request = await stage.agent.peer.nextRequest("INVITE");
    invite.cancel('SIP;cause=200;text="Call completed elsewhere"');
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    await stage.agent.answer(request, 100);
    const cancel = await stage.agent.peer.nextRequest("CANCEL");
    expect(cancel.vias).toEqual([request.vias[0]]);
    expect(cancel.uri).toEqual(request.uri);
    expect(cancel.callId).toBe(request.callId);
    expect(cancel.from).toEqual(request.from);
    expect(cancel.to).toEqual(request.to);
    expect(cancel.cseq).toEqual({ number: request.cseq.number, method: "CANCEL" });
    expect(cancel.headers.get("Reason")).toContain("completed elsewhere");
    await stage.agent.answer(cancel, 200);
    await stage.agent.answer(request, 487);
    await stage.agent.peer.nextRequest("ACK");
    expect(log).toEqual(["first", "rejected 487"]);
  });

  it("SIP-CAN-2 a 2xx that crosses it is acknowledged and ended with BYE", async () => {
    const { invite, log } = watch(stage.call());
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 180);
    await reached(() => log.includes("progress 180"), "180");
    invite.cancel();
    await stage.agent.peer.nextRequest("CANCEL");
    await stage.agent.answer(request, 200, { body: SDP });
    const names = [await stage.agent.peer.next(), await stage.agent.peer.next()].map(nameOf).sort();
    expect(names).toEqual(["ACK", "BYE"]);
    await reached(() => log.length === 3, "the failure");
    expect(log[2]).toBe("failed SIP_TIMEOUT");
  });

  it("SIP-CAN-2 without a final answer it is over after 64·T1", async () => {
    const { invite, log } = watch(stage.call());
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 180);
    await reached(() => log.includes("progress 180"), "180");
    invite.cancel();
    stage.clock.advance(32_000);
    expect(log).toEqual(["first", "progress 180", "failed SIP_TIMEOUT"]);
  });

  it("R-ORIG-22 an attempt that is given up gets CANCEL at its first answer, and ACK and BYE at a late 2xx", async () => {
    const { invite, log } = watch(stage.call());
    const request = await stage.agent.peer.nextRequest("INVITE");
    invite.abandon();
    await stage.agent.answer(request, 180);
    await stage.agent.peer.nextRequest("CANCEL");
    await stage.agent.answer(request, 200, { body: SDP });
    const names = [await stage.agent.peer.next(), await stage.agent.peer.next()].map(nameOf).sort();
    expect(names).toEqual(["ACK", "BYE"]);
    expect(log).toEqual([]);
  });
});

describe("RFC 3263 4.3, SIP-DNS-5 the next address", () => {
  const uri = parseUri("sip:callee@carrier.example.net");
  let second: UdpPeer;

  /** A name with two addresses: that of the agent, and another. */
  beforeEach(async () => {
    await stage.stop();
    second = await UdpPeer.open();
    const ports: number[] = [];
    stage = await Stage.start({
      resolver: {
        srv: async () => ports.map((port, priority) => ({ name: "host", port, priority, weight: 0 })),
        addresses: async () => ["127.0.0.1"],
      },
    });
    ports.push(stage.agent.peer.port, second.port);
  });
  afterEach(() => second.close());

  it("SIP-TXN-2 silence for 4 s: another branch, the same Call-ID, From tag and CSeq; a late answer gets CANCEL", async () => {
    const { log } = watch(stage.call({ uri }));
    const first = await stage.agent.peer.nextRequest("INVITE");
    stage.clock.advance(3999);
    await settle();
    expect(second.waiting).toBe(0);
    stage.clock.advance(1);
    const next = await second.nextRequest("INVITE");
    expect(next.callId).toBe(first.callId);
    expect(next.from).toEqual(first.from);
    expect(next.cseq).toEqual(first.cseq);
    expect(next.vias[0]?.params.get("branch")).not.toBe(first.vias[0]?.params.get("branch"));
    stage.agent.peer.skip();
    await stage.agent.answer(first, 180);
    await stage.agent.peer.nextRequest("CANCEL");
    await new ScriptedAgent(second, stage.test.port("udp")).answer(next, 486);
    await second.nextRequest("ACK");
    expect(log).toEqual(["first", "rejected 486"]);
  });

  it("503 moves on at once; the last address's answer counts", async () => {
    const { log } = watch(stage.call({ uri }));
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 503);
    await stage.agent.peer.nextRequest("ACK");
    const next = await second.nextRequest("INVITE");
    await new ScriptedAgent(second, stage.test.port("udp")).answer(next, 503);
    await second.nextRequest("ACK");
    expect(log.at(-1)).toBe("rejected 503");
  });

  it("any other answer is final", async () => {
    const { log } = watch(stage.call({ uri }));
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 486);
    await stage.agent.peer.nextRequest("ACK");
    expect(log).toEqual(["first", "rejected 486"]);
    await settle();
    expect(second.waiting).toBe(0);
  });

  it("SIP-DNS-8 an address that was silent is tried last by the next call", async () => {
    watch(stage.call({ uri }));
    await stage.agent.peer.nextRequest("INVITE");
    stage.clock.advance(4000);
    await second.nextRequest("INVITE");
    stage.agent.peer.skip();
    watch(stage.call({ uri }));
    await second.nextRequest("INVITE");
  });

  it("nobody answers: one failure after 4 s for each", async () => {
    const { log } = watch(stage.call({ uri }));
    await stage.agent.peer.nextRequest("INVITE");
    stage.clock.advance(4000);
    await second.nextRequest("INVITE");
    expect(log).toEqual([]);
    stage.clock.advance(4000);
    await reached(() => log.length === 1, "the failure");
    expect(log).toEqual(["failed SIP_TIMEOUT"]);
  });
});

describe("RFC 3261 22.2, 22.3 challenges", () => {
  const credentials = { username: "alice", password: "secret" };
  const challenge = (realm: string, nonce: string, extra = ""): string =>
    `Digest realm="${realm}", nonce="${nonce}", qop="auth", algorithm=MD5${extra}`;
  const proxy = (realm: string, nonce: string, extra = ""): { headers: ExtraHeaders } => ({
    headers: [["Proxy-Authenticate", challenge(realm, nonce, extra)]],
  });

  it("SIP-AUTH-7 is answered with CSeq + 1, the same Call-ID and a new branch, and the ACK of the call has it too", async () => {
    const { log } = watch(stage.call({ credentials }));
    const first = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(first, 407, proxy("carrier", "n1"));
    await stage.agent.peer.nextRequest("ACK");
    const second = await stage.agent.peer.nextRequest("INVITE");
    expect(second.cseq.number).toBe(first.cseq.number + 1);
    expect(second.callId).toBe(first.callId);
    expect(parseCredentials(second.headers.get("Proxy-Authorization")!)).toMatchObject({
      realm: "carrier",
      nonce: "n1",
    });
    await stage.agent.answer(second, 200, { body: SDP });
    const ack = await stage.agent.peer.nextRequest("ACK");
    expect(ack.headers.get("Proxy-Authorization")).toBe(second.headers.get("Proxy-Authorization"));
    expect(log).toEqual(["first", "accepted"]);
  });

  it("hardening R6 the same realm again is a refusal; a stale nonce is answered once more", async () => {
    const { log } = watch(stage.call({ credentials }));
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 407, proxy("carrier", "n1"));
    await stage.agent.peer.nextRequest("ACK");
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 407, proxy("carrier", "n2", ", stale=true"));
    await stage.agent.peer.nextRequest("ACK");
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 407, proxy("carrier", "n3", ", stale=true"));
    await stage.agent.peer.nextRequest("ACK");
    expect(log).toEqual(["first", "rejected 407"]);
  });

  it("22.3 a proxy and the far end may both ask; both answers stay in the request", async () => {
    watch(stage.call({ credentials }));
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 407, proxy("proxy", "n1"));
    await stage.agent.peer.nextRequest("ACK");
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 401, {
      headers: [["WWW-Authenticate", challenge("pbx", "n2")]],
    });
    await stage.agent.peer.nextRequest("ACK");
    const third = await stage.agent.peer.nextRequest("INVITE");
    expect(third.headers.get("Proxy-Authorization")).toContain('realm="proxy"');
    expect(third.headers.get("Authorization")).toContain('realm="pbx"');
  });

  it("hardening R5 without credentials it is a refusal", async () => {
    const { log } = watch(stage.call());
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 401, {
      headers: [["WWW-Authenticate", challenge("pbx", "n")]],
    });
    await stage.agent.peer.nextRequest("ACK");
    expect(log).toEqual(["first", "rejected 401"]);
  });

  it.each([
    ["SHA-256 above MD5", ["SHA-256", "MD5"], "SHA-256"],
    ["MD5 above SHA-256: the order is the server's", ["MD5", "SHA-256"], "MD5"],
    ["what nobody knows is passed over", ["SHA-3", "MD5-sess", "SHA-512-256"], "SHA-512-256"],
  ] as const)("SIP-AUTH-4, RFC 8760 2.4 the topmost that we know: %s", async (_what, offered, wanted) => {
    watch(stage.call({ credentials }));
    const headers = offered.map(
      (name) => ["Proxy-Authenticate", `Digest realm="r", nonce="n", qop="auth", algorithm=${name}`] as const,
    );
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 407, { headers });
    await stage.agent.peer.nextRequest("ACK");
    const second = await stage.agent.peer.nextRequest("INVITE");
    const answer = parseCredentials(second.headers.get("Proxy-Authorization")!)!;
    expect(answer.algorithm).toBe(wanted);
    expect(answer.uri).toBe(formatUri(second.uri));
    expect(verifyResponse(answer, "INVITE", digestHa1(wanted, "alice", "r", "secret"))).toBe(true);
  });

  it("RFC 7616 3.4 a nonce is used on in the dialog with the next count, without another challenge", async () => {
    const { dialogs } = watch(stage.call({ credentials }));
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 407, proxy("carrier", "n1"));
    await stage.agent.peer.nextRequest("ACK");
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 200, { body: SDP });
    await stage.agent.peer.nextRequest("ACK");
    const info = dialogs[0]!.request("INFO");
    const first = await stage.agent.peer.nextRequest("INFO");
    const answer = parseCredentials(first.headers.get("Proxy-Authorization")!)!;
    expect(answer).toMatchObject({ nonce: "n1", nonceCount: "00000002" });
    expect(verifyResponse(answer, "INFO", digestHa1("MD5", "alice", "carrier", "secret"))).toBe(true);
    // It has run out: a fresh one is answered once, whether the server says stale or not.
    await stage.agent.answer(first, 407, proxy("carrier", "n2"));
    const second = await stage.agent.peer.nextRequest("INFO");
    const renewed = parseCredentials(second.headers.get("Proxy-Authorization")!)!;
    expect(renewed).toMatchObject({ nonce: "n2", nonceCount: "00000001" });
    await stage.agent.answer(second, 407, proxy("carrier", "n3"));
    expect((await info).status).toBe(407);
    dialogs[0]!.bye();
    const last = await stage.agent.peer.nextRequest("BYE");
    expect(parseCredentials(last.headers.get("Proxy-Authorization")!)).toMatchObject({ nonceCount: "00000002" });
  });

  it("hardening R6 the same nonce asked for again is a refusal of the password", async () => {
    const { dialogs } = watch(stage.call({ credentials }));
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 407, proxy("carrier", "n1"));
    await stage.agent.peer.nextRequest("ACK");
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 200, { body: SDP });
    await stage.agent.peer.nextRequest("ACK");
    const info = dialogs[0]!.request("INFO");
    await stage.agent.answer(await stage.agent.peer.nextRequest("INFO"), 407, proxy("carrier", "n1"));
    expect((await info).status).toBe(407);
  });

  it("a count is never used twice: 422 after a challenge brings the next one", async () => {
    watch(stage.call({ credentials }));
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 407, proxy("carrier", "n1"));
    await stage.agent.peer.nextRequest("ACK");
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 422, { headers: [["Min-SE", "3600"]] });
    await stage.agent.peer.nextRequest("ACK");
    const third = await stage.agent.peer.nextRequest("INVITE");
    expect(parseCredentials(third.headers.get("Proxy-Authorization")!)).toMatchObject({ nonceCount: "00000002" });
  });

  it("in the dialog BYE and re-INVITE are answered too, with their own method", async () => {
    const { dialogs } = watch(stage.call({ credentials }));
    const request = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(request, 200, { body: SDP });
    await stage.agent.peer.nextRequest("ACK");
    dialogs[0]!.bye();
    const first = await stage.agent.peer.nextRequest("BYE");
    await stage.agent.answer(first, 407, proxy("carrier", "n1"));
    const second = await stage.agent.peer.nextRequest("BYE");
    expect(second.cseq.number).toBe(first.cseq.number + 1);
    const answer = parseCredentials(second.headers.get("Proxy-Authorization")!)!;
    expect(verifyResponse(answer, "BYE", digestHa1("MD5", "alice", "carrier", "secret"))).toBe(true);
  });
});

describe("RFC 3261 14.1 re-INVITE of ours", () => {
  it("SIP-INV-7 491: the owner of the Call-ID tries again once after 2.1 to 4 s", async () => {
    const { dialog } = await inCall();
    let answer: SipResponse | undefined;
    void dialog.reoffer("INVITE", SDP).then((response) => {
      answer = response;
    });
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 491);
    await stage.agent.peer.nextRequest("ACK");
    await settle();
    // 191 steps of 10 ms, and the random number of the stage is one half.
    stage.clock.advance(2100 + 949);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    stage.clock.advance(1);
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 491);
    await stage.agent.peer.nextRequest("ACK");
    await reached(() => answer?.status === 491, "the result");
  });

  it("14.1 the other side waits 0 to 2 s", async () => {
    const { request, invite } = await stage.called();
    const dialog = invite.accept({ body: SDP });
    await stage.agent.ack(request, await stage.agent.peer.nextResponse(200));
    await settle();
    void dialog.reoffer("INVITE", SDP).catch(() => undefined);
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 491);
    await stage.agent.peer.nextRequest("ACK");
    await settle();
    stage.clock.advance(999);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    stage.clock.advance(1);
    await stage.agent.peer.nextRequest("INVITE");
  });

  it("a second offer while one is open is the caller's mistake", async () => {
    const { dialog } = await inCall();
    void dialog.reoffer("INVITE", SDP).catch(() => undefined);
    await expect(dialog.reoffer("UPDATE", SDP)).rejects.toThrow(TypeError);
  });

  it("SIP-INV-8 481 ends the call; 488 does not", async () => {
    const { dialog, ends } = await inCall();
    const refused = dialog.reoffer("INVITE", SDP);
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 488);
    await stage.agent.peer.nextRequest("ACK");
    expect((await refused).status).toBe(488);
    expect(ends).toEqual([]);
    const gone = dialog.reoffer("INVITE", SDP);
    await stage.agent.answer(await stage.agent.peer.nextRequest("INVITE"), 481);
    await stage.agent.peer.nextRequest("ACK");
    expect((await gone).status).toBe(481);
    expect(ends).toMatchObject([{ by: "error" }]);
    expect(stage.test.stack.activeDialogs).toBe(0);
  });

  it("12.2.1.2 the remote target follows the Contact of its 2xx, and CSeq goes up by one each time", async () => {
    const { request, dialog } = await inCall();
    const moved = await stage.anotherAgent();
    const reoffer = dialog.reoffer("INVITE", SDP);
    const second = await stage.agent.peer.nextRequest("INVITE");
    expect(second.cseq.number).toBe(request.cseq.number + 1);
    await stage.agent.answer(second, 200, { body: SDP, contact: moved.contact });
    await moved.peer.nextRequest("ACK");
    await reoffer;
    dialog.bye();
    expect((await moved.peer.nextRequest("BYE")).cseq.number).toBe(request.cseq.number + 2);
  });

  it("the far end's BYE in the middle of it ends the dialog, and its late 2xx is still acknowledged", async () => {
    const { request, dialog, ends } = await inCall();
    const reoffer = dialog.reoffer("INVITE", SDP);
    const second = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.inDialog("BYE", { invite: request, cseq: 1 });
    await stage.agent.peer.nextResponse(200);
    await stage.agent.answer(second, 200, { body: SDP });
    await stage.agent.peer.nextRequest("ACK");
    await reoffer;
    expect(ends).toMatchObject([{ by: "remote" }]);
    expect(dialog.ended).toBe(true);
  });
});

describe("what names a request of ours", () => {
  it("SIP-TXN-14 Call-ID, branch and tags are random and name no host", async () => {
    stage.call();
    const request = await stage.agent.peer.nextRequest("INVITE");
    expect(request.callId).toMatch(/^[0-9a-f]{32}$/);
    expect(request.from.params.get("tag")).toMatch(/^[0-9a-f]{16}$/);
    expect(request.vias[0]?.params.get("branch")).toMatch(/^z9hG4bK[0-9a-f]{24}$/);
    const { request: theirs, invite } = await stage.called();
    expect(invite.localTag).toMatch(/^[0-9a-f]{16}$/);
    expect(theirs.callId).not.toBe(request.callId);
  });

  it("SIP-TP-3 the INVITE asks for rport, and its branch has at least 96 random bits", async () => {
    watch(stage.call());
    const via = (await stage.agent.peer.nextRequest("INVITE")).vias[0]!;
    expect(via.params.get("rport")).toBe("");
    expect(via.params.get("branch")).toMatch(/^z9hG4bK[0-9a-f]{24}$/);
  });
});
