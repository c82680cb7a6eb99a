/** Session timers (RFC 4028, SIP-TMR), both ways, with a peer on a real socket and a clock that is moved by hand. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ExtraHeaders, SipRequest, SipResponse } from "../../../src/sip/message.ts";
import type { Dialog, DialogEnd } from "../../../src/sip/user-agent.ts";
import { SDP, Stage, settle } from "../../support/sip-scripts.ts";
import { reached } from "../../support/sip-wire.ts";

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.start();
});
afterEach(() => stage.stop());

const TIMER: ExtraHeaders = [["Supported", "timer"]];

/** The far end calls; returns our 2xx. */
async function called(
  headers: ExtraHeaders,
): Promise<{ request: SipRequest; answer: SipResponse; dialog: Dialog; ends: DialogEnd[] }> {
  const { request, invite } = await stage.called({ headers });
  const dialog = invite.accept({ body: SDP });
  const ends: DialogEnd[] = [];
  dialog.onEnded = (end) => ends.push(end);
  let acks = 0;
  dialog.onAck = () => acks++;
  const answer = await stage.agent.peer.nextResponse(200);
  await stage.agent.ack(request, answer);
  await reached(() => acks === 1, "the ACK");
  return { request, answer, dialog, ends };
}

/** We call; the far end answers with these headers. */
async function calling(headers: ExtraHeaders): Promise<{ request: SipRequest; dialog: Dialog; ends: DialogEnd[] }> {
  const invite = stage.call();
  let dialog: Dialog | undefined;
  const ends: DialogEnd[] = [];
  invite.onAccepted = (_response, made) => {
    dialog = made;
    made.onEnded = (end) => ends.push(end);
  };
  const request = await stage.agent.peer.nextRequest("INVITE");
  await stage.agent.answer(request, 200, { body: SDP, headers });
  await stage.agent.peer.nextRequest("ACK");
  return { request, dialog: dialog!, ends };
}

describe("RFC 4028 9 as the called side", () => {
  it.each<[string, ExtraHeaders, string, string | undefined]>([
    ["the caller cannot: our value, and we refresh", [], "1800;refresher=uas", undefined],
    ["the caller can and asks for nothing: our value, and it refreshes", TIMER, "1800;refresher=uac", "timer"],
    ["its value is taken", [...TIMER, ["Session-Expires", "600"]], "600;refresher=uac", "timer"],
    [
      "the compact name too",
      [
        ["k", "timer"],
        ["x", "600;refresher=uac"],
      ],
      "600;refresher=uac",
      "timer",
    ],
    ["it wants us to refresh", [...TIMER, ["Session-Expires", "600;refresher=uas"]], "600;refresher=uas", undefined],
    ["a Min-SE above our value raises it", [["Min-SE", "3600"]], "3600;refresher=uas", undefined],
    ["nonsense counts as nothing", [...TIMER, ["Session-Expires", "soon"]], "1800;refresher=uac", "timer"],
    [
      "too short and not able to hear 422: raised (table 2)",
      [["Session-Expires", "30"]],
      "90;refresher=uas",
      undefined,
    ],
  ])("%s", async (_what, headers, wanted, required) => {
    const { answer } = await called(headers);
    expect(answer.headers.get("Session-Expires")).toBe(wanted);
    expect(answer.headers.get("Require")).toBe(required);
  });

  it("SIP-TMR-2 less than 90 s gets 422 with Min-SE, and no call begins", async () => {
    await stage.agent.request("INVITE", { body: SDP, headers: [...TIMER, ["Session-Expires", "89"]] });
    expect((await stage.agent.peer.nextResponse(422)).headers.get("Min-SE")).toBe("90");
    expect(stage.invites).toHaveLength(0);
  });

  it("a refresh that is too short gets 422 as well, and the session goes on", async () => {
    const { answer, dialog } = await called(TIMER);
    await stage.agent.inDialog("UPDATE", { answer, cseq: 2, headers: [...TIMER, ["Session-Expires", "60"]] });
    await stage.agent.peer.nextResponse(422);
    expect(dialog.ended).toBe(false);
  });

  it("10 without a refresh of the far end BYE goes out 32 s, or a third, before the end", async () => {
    for (const [seconds, endMs] of [
      [1800, 1_768_000],
      [90, 60_000],
    ] as const) {
      const { ends } = await called([...TIMER, ["Session-Expires", `${seconds};refresher=uac`]]);
      stage.clock.advance(endMs - 1);
      expect(ends).toHaveLength(0);
      stage.clock.advance(1);
      expect(ends).toMatchObject([{ by: "error", error: { code: "SIP_TIMEOUT" } }]);
      const bye = await stage.agent.peer.nextRequest("BYE");
      expect(bye.headers.get("Reason")).toContain("cause=408");
      await stage.agent.answer(bye, 200);
      await settle();
      stage.clock.advance(70_000);
      stage.agent.peer.skip();
    }
  });

  it("SIP-TMR-6 a refresh by UPDATE or by re-INVITE begins the interval anew, and is answered on this leg", async () => {
    const { answer, dialog, ends } = await called([...TIMER, ["Session-Expires", "90;refresher=uac"]]);
    dialog.onReoffer = (incoming) => incoming.respond(200, { body: SDP });
    stage.clock.advance(59_000);
    await stage.agent.inDialog("UPDATE", {
      answer,
      cseq: 2,
      headers: [...TIMER, ["Session-Expires", "90;refresher=uac"]],
    });
    expect((await stage.agent.peer.nextResponse(200)).headers.get("Session-Expires")).toBe("90;refresher=uac");
    stage.clock.advance(59_000);
    const again = await stage.agent.inDialog("INVITE", {
      answer,
      cseq: 3,
      body: SDP,
      headers: [...TIMER, ["Session-Expires", "90;refresher=uac"]],
    });
    const refreshed = await stage.agent.peer.nextResponse(200);
    expect(refreshed.headers.get("Session-Expires")).toBe("90;refresher=uac");
    await stage.agent.ack(again, refreshed);
    await settle();
    stage.clock.advance(59_000);
    expect(ends).toHaveLength(0);
    stage.clock.advance(1000);
    expect(ends).toHaveLength(1);
  });

  it("10 as refresher: UPDATE at half of the interval when the far end takes it, again and again", async () => {
    const { ends } = await called([["Allow", "INVITE, ACK, BYE, UPDATE"]]);
    for (let round = 0; round < 3; round++) {
      stage.clock.advance(899_999);
      await settle();
      expect(stage.agent.peer.waiting).toBe(0);
      stage.clock.advance(1);
      const update = await stage.agent.peer.nextRequest("UPDATE");
      expect(update.headers.get("Session-Expires")).toBe("1800;refresher=uac");
      expect(update.headers.get("Min-SE")).toBe("90");
      expect(update.body).toHaveLength(0);
      await stage.agent.answer(update, 200, { headers: [["Session-Expires", "1800;refresher=uac"]] });
      await settle();
    }
    expect(ends).toHaveLength(0);
  });

  it("7.4 by re-INVITE with the same session description when it does not, and with ACK", async () => {
    await called([["Allow", "INVITE, ACK, BYE"]]);
    stage.clock.advance(900_000);
    const invite = await stage.agent.peer.nextRequest("INVITE");
    expect(Buffer.from(invite.body).toString()).toBe(SDP.content);
    await stage.agent.answer(invite, 200, { body: SDP, headers: [["Session-Expires", "1800;refresher=uac"]] });
    expect((await stage.agent.peer.nextRequest("ACK")).cseq.number).toBe(invite.cseq.number);
  });

  it("SIP-TMR-4 the body of its 2xx goes to the user: it is the answer to what was offered again", async () => {
    const { dialog } = await called([["Allow", "INVITE, ACK, BYE"]]);
    const answers: string[] = [];
    dialog.onRefreshed = ({ body }) => answers.push(Buffer.from(body).toString());
    stage.clock.advance(900_000);
    const invite = await stage.agent.peer.nextRequest("INVITE");
    const moved = { ...SDP, content: `${SDP.content}s=moved\r\n` };
    await stage.agent.answer(invite, 200, { body: moved, headers: [["Session-Expires", "1800;refresher=uac"]] });
    await stage.agent.peer.nextRequest("ACK");
    await reached(() => answers.length === 1, "the answer");
    expect(answers).toEqual([moved.content]);
  });

  it("SIP-TMR-4 the description that is offered again is the one of the last exchange", async () => {
    const { answer, dialog } = await called([["Allow", "INVITE, ACK, BYE"]]);
    const latest = { ...SDP, content: `${SDP.content}s=latest\r\n` };
    dialog.onReoffer = (incoming) => incoming.respond(200, { body: latest });
    const again = await stage.agent.inDialog("INVITE", { answer, cseq: 2, body: SDP });
    await stage.agent.ack(again, await stage.agent.peer.nextResponse(200));
    await settle();
    stage.clock.advance(900_000);
    expect(Buffer.from((await stage.agent.peer.nextRequest("INVITE")).body).toString()).toBe(latest.content);
  });

  it.each([405, 501])(
    "UPDATE that is refused with %i is not tried again: re-INVITE at once, and from then on",
    async (status) => {
      const { ends } = await called([["Allow", "INVITE, ACK, BYE, UPDATE"]]);
      stage.clock.advance(900_000);
      await stage.agent.answer(await stage.agent.peer.nextRequest("UPDATE"), status);
      for (let round = 0; round < 2; round++) {
        const invite = await stage.agent.peer.nextRequest("INVITE");
        await stage.agent.answer(invite, 200, { body: SDP, headers: [["Session-Expires", "1800;refresher=uac"]] });
        await stage.agent.peer.nextRequest("ACK");
        await settle();
        stage.clock.advance(900_000);
      }
      expect(ends).toHaveLength(0);
    },
  );

  it("10 a refresh that is refused is tried again while the session lasts, and ends it when none is accepted", async () => {
    const { ends } = await called([["Allow", "UPDATE"]]);
    stage.clock.advance(900_000);
    for (let round = 0; round < 3; round++) {
      await stage.agent.answer(await stage.agent.peer.nextRequest("UPDATE"), 500);
      await settle();
      expect(ends).toHaveLength(0);
      stage.clock.advance(112_500);
    }
    const accepted = await stage.agent.peer.nextRequest("UPDATE");
    await stage.agent.answer(accepted, 200, { headers: [["Session-Expires", "1800;refresher=uac"]] });
    await settle();
    stage.clock.advance(899_999);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    stage.clock.advance(1);
    await stage.agent.answer(await stage.agent.peer.nextRequest("UPDATE"), 500);
    await settle();
    for (let round = 0; round < 8 && ends.length === 0; round++) {
      stage.clock.advance(112_500);
      await settle();
      const last = stage.agent.peer.received.at(-1)!;
      if (last.kind === "request" && last.method === "UPDATE") await stage.agent.answer(last, 500);
      await settle();
    }
    expect(ends).toMatchObject([{ by: "error", error: { code: "SIP_TIMEOUT" } }]);
  });

  it("a refresh that falls into an offer of ours waits for it", async () => {
    const { dialog, ends } = await called([["Allow", "INVITE, ACK, BYE"]]);
    stage.clock.advance(899_900);
    const done = dialog.reoffer("INVITE", SDP);
    const invite = await stage.agent.peer.nextRequest("INVITE");
    stage.clock.advance(100);
    await stage.agent.answer(invite, 488);
    await stage.agent.peer.nextRequest("ACK");
    expect((await done).status).toBe(488);
    stage.clock.advance(112_500);
    await stage.agent.peer.nextRequest("INVITE");
    expect(ends).toHaveLength(0);
  });
});

describe("RFC 4028 7 as the calling side", () => {
  it("7.1 the INVITE asks for 1800 s and takes no less than 90", async () => {
    const { request } = await calling([]);
    expect(request.headers.get("Session-Expires")).toBe("1800");
    expect(request.headers.get("Min-SE")).toBe("90");
    expect(request.headers.get("Supported")).toContain("timer");
  });

  it("7.2 a 2xx without Session-Expires means no session timer", async () => {
    const { ends } = await calling([["Allow", "UPDATE"]]);
    stage.clock.advance(24 * 3_600_000);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    expect(ends).toHaveLength(0);
  });

  it("SIP-TMR-3 422 is answered by another INVITE with that Min-SE, the same Call-ID and CSeq + 1; once", async () => {
    const invite = stage.call();
    const rejected: number[] = [];
    invite.onRejected = (response) => rejected.push(response.status);
    const first = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(first, 422, { headers: [["Min-SE", "3600"]] });
    await stage.agent.peer.nextRequest("ACK");
    const second = await stage.agent.peer.nextRequest("INVITE");
    expect(second.callId).toBe(first.callId);
    expect(second.cseq.number).toBe(first.cseq.number + 1);
    expect(second.headers.get("Session-Expires")).toBe("3600");
    expect(second.headers.get("Min-SE")).toBe("3600");
    await stage.agent.answer(second, 422, { headers: [["Min-SE", "7200"]] });
    await stage.agent.peer.nextRequest("ACK");
    await reached(() => rejected.length === 1, "the rejection");
  });

  it("refresher=uac: we refresh at half; a 422 to that raises the interval", async () => {
    const { ends } = await calling([
      ["Allow", "UPDATE"],
      ["Session-Expires", "200;refresher=uac"],
    ]);
    stage.clock.advance(100_000);
    const first = await stage.agent.peer.nextRequest("UPDATE");
    await stage.agent.answer(first, 422, { headers: [["Min-SE", "400"]] });
    const second = await stage.agent.peer.nextRequest("UPDATE");
    expect(second.headers.get("Session-Expires")).toBe("400;refresher=uac");
    await stage.agent.answer(second, 200, { headers: [["Session-Expires", "400;refresher=uac"]] });
    await settle();
    stage.clock.advance(199_999);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
    stage.clock.advance(1);
    await stage.agent.peer.nextRequest("UPDATE");
    expect(ends).toHaveLength(0);
  });

  it("refresher=uas: BYE when the far end does not refresh", async () => {
    const { ends } = await calling([["Session-Expires", "300;refresher=uas"]]);
    stage.clock.advance(268_000);
    await stage.agent.peer.nextRequest("BYE");
    expect(ends).toMatchObject([{ by: "error" }]);
  });

  it("422 to a refresh by re-INVITE raises the interval as well", async () => {
    await calling([
      ["Allow", "INVITE"],
      ["Session-Expires", "200;refresher=uac"],
    ]);
    stage.clock.advance(100_000);
    const first = await stage.agent.peer.nextRequest("INVITE");
    await stage.agent.answer(first, 422, { headers: [["Min-SE", "400"]] });
    await stage.agent.peer.nextRequest("ACK");
    const second = await stage.agent.peer.nextRequest("INVITE");
    expect(second.headers.get("Session-Expires")).toBe("400;refresher=uac");
    expect(second.headers.get("Min-SE")).toBe("400");
  });

  it.each(["UPDATE", "INVITE"])(
    "SIP-DLG-9 481 to a refresh by %s ends the session without BYE, 408 and silence with one",
    async (method) => {
      for (const status of [481, 408, 0]) {
        const { ends } = await calling([
          ["Allow", method],
          ["Session-Expires", "200;refresher=uac"],
        ]);
        stage.clock.advance(100_000);
        const update = await stage.agent.peer.nextRequest(method);
        if (status > 0) await stage.agent.answer(update, status);
        else stage.clock.advance(32_000);
        await reached(() => ends.length === 1, `the end after ${status}`);
        await settle();
        const names = stage.agent.peer.received.map((one) => (one.kind === "request" ? one.method : ""));
        expect(names.includes("BYE"), String(status)).toBe(status !== 481);
        stage.agent.peer.received.length = 0;
        await stage.stop();
        stage = await Stage.start();
      }
    },
  );
});

it("session timers can be switched off", async () => {
  await stage.stop();
  stage = await Stage.start({ sessionTimer: null });
  const { answer } = await called([...TIMER, ["Session-Expires", "30"]]);
  expect(answer.headers.has("Session-Expires")).toBe(false);
  expect(answer.headers.get("Supported")).toBe("100rel");
});
