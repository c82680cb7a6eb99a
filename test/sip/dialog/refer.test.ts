/** REFER and its notices inside a dialog (RFC 3515, RFC 3420, RFC 4488, RFC 5057, SIP-REF-2 to SIP-REF-4). */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ReferSubscription } from "../../../src/sip/dialog/refer-subscription.ts";
import type { ExtraHeaders, SipRequest, SipResponse } from "../../../src/sip/message.ts";
import type { Dialog, DialogEnd } from "../../../src/sip/user-agent.ts";
import { SDP, Stage, settle } from "../../support/sip-scripts.ts";
import { reached } from "../../support/sip-wire.ts";

let stage: Stage;
let answer: SipResponse;
let dialog: Dialog;
let ends: DialogEnd[];
beforeEach(async () => {
  stage = await Stage.start();
  const { request, invite } = await stage.called();
  dialog = invite.accept({ body: SDP });
  ends = [];
  dialog.onEnded = (end) => ends.push(end);
  let acks = 0;
  dialog.onAck = () => acks++;
  answer = await stage.agent.peer.nextResponse(200);
  await stage.agent.ack(request, answer);
  await reached(() => acks === 1, "the ACK");
});
afterEach(() => stage.stop());

const REFER: ExtraHeaders = [["Refer-To", "<sip:target@example.net>"]];

/** The far end refers; returns what the stack's user made of it. */
async function referred(cseq: number, extra: ExtraHeaders = []): Promise<ReferSubscription> {
  let subscription: ReferSubscription | undefined;
  dialog.onRequest = (incoming) => {
    subscription = ReferSubscription.accept(dialog, incoming);
  };
  await stage.agent.inDialog("REFER", { answer, cseq, headers: [...REFER, ...extra] });
  await stage.agent.peer.nextResponse(202);
  return subscription!;
}

async function notice(reply = 200): Promise<SipRequest> {
  const request = await stage.agent.peer.nextRequest("NOTIFY");
  await stage.agent.answer(request, reply);
  return request;
}

const bodyOf = (request: SipRequest): string => Buffer.from(request.body).toString();

describe("RFC 3515 2.4 a REFER that we accept", () => {
  it("gets 202, a NOTIFY of 100 Trying at once, others as they come, and one last with the outcome", async () => {
    const subscription = await referred(2);
    const first = await notice();
    expect(bodyOf(first)).toBe("SIP/2.0 100 Trying\r\n");
    expect(first.headers.get("Event")).toBe("refer");
    expect(first.headers.get("Subscription-State")).toBe("active;expires=60");
    expect(first.headers.get("Content-Type")).toBe("message/sipfrag;version=2.0");
    subscription.progress(180);
    subscription.finish(486);
    subscription.finish(200);
    subscription.progress(183);
    expect(bodyOf(await notice())).toBe("SIP/2.0 180 Ringing\r\n");
    const last = await notice();
    expect(bodyOf(last)).toBe("SIP/2.0 486 Busy Here\r\n");
    expect(last.headers.get("Subscription-State")).toBe("terminated;reason=noresource");
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
  });

  it("2.4.6 the second REFER of a dialog has its CSeq as id", async () => {
    await referred(2);
    await notice();
    await referred(7);
    expect((await notice()).headers.get("Event")).toBe("refer;id=7");
  });

  it("RFC 4488 Refer-Sub: false gets no NOTIFY", async () => {
    let subscription: ReferSubscription | undefined;
    dialog.onRequest = (incoming) => {
      subscription = ReferSubscription.accept(dialog, incoming);
    };
    await stage.agent.inDialog("REFER", { answer, cseq: 2, headers: [...REFER, ["Refer-Sub", "false"]] });
    expect((await stage.agent.peer.nextResponse(202)).headers.get("Refer-Sub")).toBe("false");
    subscription!.finish(200);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
  });

  it("RFC 5057 a NOTIFY that nobody wants (481) does not end the call", async () => {
    const subscription = await referred(2);
    await notice(481);
    subscription.finish(200);
    await notice(481);
    await settle();
    expect(ends).toEqual([]);
    expect(dialog.ended).toBe(false);
  });

  it("notices end with the dialog", async () => {
    const subscription = await referred(2);
    await notice();
    await stage.agent.inDialog("BYE", { answer, cseq: 3 });
    await stage.agent.peer.nextResponse(200);
    subscription.finish(200);
    await settle();
    expect(stage.agent.peer.waiting).toBe(0);
  });
});

describe("SIP-REF-4 notices to us", () => {
  const notify = async (cseq: number, event: string): Promise<number> => {
    await stage.agent.inDialog("NOTIFY", { answer, cseq, headers: [["Event", event]] });
    const message = await stage.agent.peer.next("the answer to NOTIFY");
    return message.kind === "response" ? message.status : 0;
  };

  it("another event gets 489, a subscription that we never made 481, that of our REFER goes to the user", async () => {
    expect(await notify(2, "presence")).toBe(489);
    expect(await notify(3, "refer")).toBe(481);
    const sent = dialog.request("REFER", { headers: REFER });
    await stage.agent.answer(await stage.agent.peer.nextRequest("REFER"), 202);
    await sent;
    expect(await notify(4, "refer;id=2")).toBe(200);
    const seen: string[] = [];
    dialog.onRequest = (incoming) => {
      seen.push(incoming.request.headers.get("Event")!);
      incoming.respond(200);
    };
    expect(await notify(5, "refer")).toBe(200);
    expect(seen).toEqual(["refer"]);
  });

  it("a REFER that was refused makes no subscription", async () => {
    const sent = dialog.request("REFER", { headers: REFER });
    await stage.agent.answer(await stage.agent.peer.nextRequest("REFER"), 603);
    expect((await sent).status).toBe(603);
    expect(await notify(2, "refer")).toBe(481);
  });
});
