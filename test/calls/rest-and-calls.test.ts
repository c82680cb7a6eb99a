/**
 * What REST changes is what the next call sees: a gateway with HTTP and SIP on real sockets, the unmodified `twilio` client, a PBX
 * and a carrier made of bare sockets (R-GEN, R-TERM, R-AUTH, R-NUM, R-MEDIA-5).
 */
import twilio from "twilio";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseSession } from "../../src/sdp/session.ts";
import { Application } from "../../src/simulator/application.ts";
import { answerChallenge, parseChallenge } from "../../src/sip/digest.ts";
import type { SipMessage } from "../../src/sip/message.ts";
import { CALLER, CARRIER, type CallRig, GATEWAY, sdp, startCallRig, type WireCall } from "../support/call-rig.ts";
import { AUTH_TOKEN, BASE, until } from "../support/gateway.ts";
import { MediaSocket } from "../support/media-socket.ts";

let rig: CallRig;
let application: Application;
let client: ReturnType<typeof twilio>;
const PASSWORD = "Own-Secret-Pass-1";

beforeAll(async () => {
  application = await Application.start(
    new Map(["/voice", "/by-application"].map((path) => [path, () => "<Response><Reject/></Response>"])),
  );
  rig = await startCallRig({ sip: "  unknownDomain: 404", media: "  rtpTimeoutSeconds: 0" });
  const { gateway } = rig.gateway;
  const [account] = gateway.store.list("accounts");
  client = twilio(account!.sid, AUTH_TOKEN);
  for (const product of [client.trunking, client.voice, client.api]) product.baseUrl = gateway.httpUrl!;
});
afterAll(async () => {
  await rig.stop();
  await application.stop();
});

const trunks = () => client.trunking.v1.trunks;
const host = (name: string): string => `${name}.pstn.${BASE}`;

async function aclWith(name: string, ...addresses: string[]) {
  const acl = await client.sip.ipAccessControlLists.create({ friendlyName: name });
  for (const ipAddress of addresses)
    await client.sip.ipAccessControlLists(acl.sid).ipAddresses.create({ friendlyName: ipAddress, ipAddress });
  return acl;
}

/** A trunk that lets the caller in by its address, with a number that may call. */
async function trunkOf(name: string) {
  const trunk = await trunks().create({ domainName: host(name) });
  const acl = await aclWith(name, CALLER);
  await trunks()(trunk.sid).ipAccessControlLists.create({ ipAccessControlListSid: acl.sid });
  return { trunk, acl };
}

/** A call of the PBX that the carrier answers. */
async function talking(domain: string, toUri?: string): Promise<WireCall> {
  const from = `<sip:${OWN}@pbx.test>`;
  const call = await rig.caller.invite({ domain, from, ...(toUri === undefined ? {} : { toUri }) });
  await rig.carrier.answer(await rig.carrier.request("INVITE"), 200, { sdp: sdp(CARRIER) });
  expect((await call.final()).status).toBe(200);
  await rig.carrier.request("ACK");
  return call;
}

async function end(call: WireCall): Promise<void> {
  await call.request("BYE");
  await rig.caller.final("BYE");
  await rig.carrier.answer(await rig.carrier.request("BYE"), 200);
  await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of the call");
}

/** Status of a call of the PBX that is refused, or that the carrier answers with 486. */
async function statusOf(domain: string, headers: readonly string[] = [], from = OWN): Promise<number> {
  const call = await rig.caller.invite({ domain, headers, from: `<sip:${from}@pbx.test>` });
  const answer = call.final();
  let status: number | undefined;
  void answer.then((response) => {
    status = response.status;
  });
  await until(() => status !== undefined || rig.carrier.hasRequest("INVITE"), "an answer");
  if (status === undefined) await rig.carrier.answer(await rig.carrier.request("INVITE"), 486);
  return (await answer).status;
}

/** Answers the challenge of a domain; the nonce holds for the address, so that a second INVITE may bring the answer. */
async function statusWithPassword(domain: string, username: string, from = OWN): Promise<number> {
  const asked = await (await rig.caller.invite({ domain, from: `<sip:${from}@pbx.test>` })).final();
  if (asked.status !== 407) return asked.status;
  const challenge = parseChallenge(asked.headers.get("Proxy-Authenticate")!)!;
  const uri = `sip:+15550200300@${domain}`;
  const answer = answerChallenge(challenge, { method: "INVITE", uri }, { username, password: PASSWORD }, "c0ffee");
  return statusOf(domain, [`Proxy-Authorization: ${answer}`], from);
}

const OWN = "+15550700001";
const portOf = (message: SipMessage): number => parseSession(new TextDecoder().decode(message.body)).media[0]!.port;

describe("a trunk made by REST", () => {
  it("R-GEN-1, R-GEN-2: four objects are enough, and the next INVITE each way goes through", async () => {
    const number = await client.incomingPhoneNumbers.create({ phoneNumber: OWN });
    const { trunk } = await trunkOf("fresh");
    const out = await talking(host("fresh"));
    await end(out);
    await trunks()(trunk.sid).originationUrls.create({
      friendlyName: "pbx",
      sipUrl: `sip:${CALLER}`,
      priority: 10,
      weight: 10,
      enabled: true,
    });
    await trunks()(trunk.sid).phoneNumbers.create({ phoneNumberSid: number.sid });
    const call = await rig.carrier.invite({ to: OWN, domain: `carrier.sip.${BASE}` });
    const invite = await rig.caller.request("INVITE");
    expect(invite.uri).toMatchObject({ user: OWN, host: CALLER });
    await rig.caller.answer(invite, 486);
    expect((await call.final()).status).toBe(486);
  });

  it("R-GEN-4: deleted, its domain is nobody's for the next INVITE; the call that is up still passes RTP", async () => {
    const { trunk } = await trunkOf("going");
    const [near, far] = await Promise.all([MediaSocket.open(CALLER), MediaSocket.open(CARRIER)]);
    const call = await rig.caller.invite({
      domain: host("going"),
      from: `<sip:${OWN}@pbx.test>`,
      sdp: sdp(CALLER, { port: near.port }),
    });
    const invite = await rig.carrier.request("INVITE");
    await rig.carrier.answer(invite, 200, { sdp: sdp(CARRIER, { port: far.port }) });
    const answer = await call.final();
    await rig.carrier.request("ACK");
    expect(await trunks()(trunk.sid).remove()).toBe(true);
    expect(await statusOf(host("going"))).toBe(404);
    const before = [near.received.length, far.received.length];
    await until(() => {
      near.sendAudio(GATEWAY, portOf(answer));
      far.sendAudio(GATEWAY, portOf(invite));
      return far.received.length > before[1]! + 3 && near.received.length > before[0]! + 3;
    }, "RTP both ways after the trunk was deleted");
    await end(call);
    near.close();
    far.close();
  });

  it("R-AUTH-1: with no list mapped auth_type is empty and every call is 403; R-TERM-2 hosts are compared without case", async () => {
    const { sid } = await trunks().create({ domainName: host("bare") });
    expect((await trunks()(sid).fetch()).authType).toBe("");
    expect(await statusOf(host("bare"))).toBe(403);
    await trunkOf("Spelled");
    expect(await statusOf("SPELLED.PSTN.Voice.Test")).toBe(486);
  });

  it("R-AUTH-13: an address that is taken off the list: the call goes on, the next INVITE is 403", async () => {
    const { acl } = await trunkOf("listed");
    const call = await talking(host("listed"));
    const addresses = client.sip.ipAccessControlLists(acl.sid).ipAddresses;
    for (const { sid } of await addresses.list()) await addresses(sid).remove();
    expect(await statusOf(host("listed"))).toBe(403);
    await call.request("INVITE", ["Content-Type: application/sdp"], sdp(CALLER, { version: 2 }));
    expect((await call.final()).status).toBe(200);
    expect(rig.gateway.gateway.calls.liveCount).toBe(2);
    await end(call);
  });

  it("R-AUTH-5, R-AUTH-6: any list of a kind will do, and one list serves two trunks, of which one gives it up", async () => {
    const lists = client.sip.credentialLists;
    const [one, other] = [await lists.create({ friendlyName: "one" }), await lists.create({ friendlyName: "other" })];
    await lists(one.sid).credentials.create({ username: "first", password: PASSWORD });
    await lists(other.sid).credentials.create({ username: "second", password: PASSWORD });
    const [a, b] = [await trunks().create({ domainName: host("a") }), await trunks().create({ domainName: host("b") })];
    for (const { sid } of [a, b])
      for (const list of [one, other]) await trunks()(sid).credentialsLists.create({ credentialListSid: list.sid });
    for (const name of ["a", "b"])
      for (const user of ["first", "second"])
        expect(await statusWithPassword(host(name), user), `${user} at ${name}`).toBe(486);
    await trunks()(a.sid).credentialsLists(one.sid).remove();
    expect(await statusWithPassword(host("a"), "first")).toBe(403);
    expect(await statusWithPassword(host("a"), "second")).toBe(486);
    expect(await statusWithPassword(host("b"), "first")).toBe(486);
    const [elsewhere, here] = [await aclWith("elsewhere", "192.0.2.1"), await aclWith("here", CALLER)];
    const c = await trunks().create({ domainName: host("c") });
    await trunks()(c.sid).ipAccessControlLists.create({ ipAccessControlListSid: elsewhere.sid });
    expect(await statusOf(host("c"))).toBe(403);
    await trunks()(c.sid).ipAccessControlLists.create({ ipAccessControlListSid: here.sid });
    expect(await statusOf(host("c"))).toBe(486);
  });

  it("R-TERM-5: the trunk is that of the Request-URI, whatever To says", async () => {
    const { trunk } = await trunkOf("one-of-two");
    await trunkOf("two-of-two");
    const call = await talking(host("one-of-two"), `sip:+15550200300@${host("two-of-two")}`);
    const [leg] = [...rig.gateway.gateway.calls.live()].filter(({ details }) => details.trunkSid !== undefined);
    expect(leg!.details.trunkSid).toBe(trunk.sid);
    await end(call);
  });

  it("R-GEN-11: what a trunk was used for is counted, by REST and as metrics, in place of charges", async () => {
    const { trunk } = await trunkOf("counted");
    await end(await talking(host("counted")));
    expect(await statusOf(host("counted"))).toBe(486);
    const { httpUrl } = rig.gateway.gateway;
    const Authorization = `Basic ${Buffer.from(`${trunk.accountSid}:${AUTH_TOKEN}`).toString("base64")}`;
    const usage = await fetch(`${httpUrl}/v1/Trunks/${trunk.sid}/Usage`, { headers: { Authorization } });
    // Each leg counts where it is seen from the trunk: the two of the call that was answered, and of the one that was not.
    const counters = (await usage.json()) as Record<string, number>;
    expect(counters).toMatchObject({ lookups: 0, recordings: 0, transfers: 0, disaster_recoveries: 0 });
    expect(counters["calls"]! - counters["answered"]!).toBe(counters["answered"]);
    expect(counters["answered"]).toBeGreaterThan(0);
    expect(counters["minutes"]).toBe(1);
    const metrics = await (await fetch(`${httpUrl}/metrics`)).text();
    for (const kind of ["calls", "answered", "lookups", "recordings", "transfers"])
      expect(metrics).toContain(`tandem_trunk_usage_total{trunk="${trunk.sid}",kind="${kind}"} ${counters[kind]}`);
  });

  it("R-MEDIA-5: SymmetricRtpEnabled is taken, told, and followed by the next call", async () => {
    const { trunk } = await trunkOf("nat");
    const url = `${rig.gateway.gateway.httpUrl}/v1/Trunks/${trunk.sid}`;
    const Authorization = `Basic ${Buffer.from(`${trunk.accountSid}:${AUTH_TOKEN}`).toString("base64")}`;
    const body = new URLSearchParams({ SymmetricRtpEnabled: "true" });
    expect((await fetch(url, { method: "POST", headers: { Authorization }, body })).status).toBe(200);
    expect((await trunks()(trunk.sid).fetch()).symmetricRtpEnabled).toBe(true);
    const behindNat = await MediaSocket.open(CALLER);
    const far = await MediaSocket.open(CARRIER);
    // The address of SDP is one that nothing reaches.
    const call = await rig.caller.invite({
      domain: host("nat"),
      from: `<sip:${OWN}@pbx.test>`,
      sdp: sdp("10.255.255.1"),
    });
    const invite = await rig.carrier.request("INVITE");
    await rig.carrier.answer(invite, 200, { sdp: sdp(CARRIER, { port: far.port }) });
    const answer = await call.final();
    await rig.carrier.request("ACK");
    await until(() => {
      behindNat.sendAudio(GATEWAY, portOf(answer));
      far.sendAudio(GATEWAY, portOf(invite));
      return behindNat.received.length > 3;
    }, "RTP at the address that it comes from");
    await end(call);
    behindNat.close();
    far.close();
  });
});

describe("numbers", () => {
  const delivered = async (to: string): Promise<number> => {
    const call = await rig.carrier.invite({ to, domain: `carrier.sip.${BASE}` });
    const answer = call.final();
    let status: number | undefined;
    void answer.then((response) => {
      status = response.status;
    });
    await until(() => status !== undefined || rig.caller.hasRequest("INVITE"), "an answer");
    if (status === undefined) await rig.caller.answer(await rig.caller.request("INVITE"), 486);
    return (await answer).status;
  };
  const numbersOf = async (sid: string) => (await trunks()(sid).phoneNumbers.list()).map((one) => one.phoneNumber);

  async function withTarget(name: string) {
    const trunk = await trunks().create({ domainName: host(name) });
    await trunks()(trunk.sid).originationUrls.create({
      friendlyName: "pbx",
      sipUrl: `sip:${CALLER}`,
      priority: 10,
      weight: 10,
      enabled: true,
    });
    return trunk;
  }

  it("R-NUM-1, R-NUM-2, R-NUM-3: added, associated from either side and listed; only then is it called", async () => {
    const trunk = await withTarget("numbers");
    const [first, second] = ["+15550700011", "+15550700012"];
    expect(await delivered(first)).toBe(404);
    const number = await client.incomingPhoneNumbers.create({ phoneNumber: first });
    expect(await delivered(first)).toBe(404);
    await trunks()(trunk.sid).phoneNumbers.create({ phoneNumberSid: number.sid });
    const other = await client.incomingPhoneNumbers.create({ phoneNumber: second, trunkSid: trunk.sid });
    expect((await client.incomingPhoneNumbers(number.sid).fetch()).trunkSid).toBe(trunk.sid);
    expect((await client.incomingPhoneNumbers(other.sid).fetch()).trunkSid).toBe(trunk.sid);
    expect((await numbersOf(trunk.sid)).sort()).toEqual([first, second]);
    expect([await delivered(first), await delivered(second)]).toEqual([486, 486]);
  });

  it("R-NUM-4, R-NUM-5, R-NUM-6: three ways out of a trunk, none of which releases; released it is nobody's", async () => {
    const [trunk, other] = [await withTarget("leaving"), await withTarget("taking")];
    const phoneNumber = "+15550700021";
    const { sid } = await client.incomingPhoneNumbers.create({ phoneNumber, trunkSid: trunk.sid });
    const number = () => client.incomingPhoneNumbers(sid);
    await trunks()(trunk.sid).phoneNumbers(sid).remove();
    expect([await numbersOf(trunk.sid), (await number().fetch()).trunkSid]).toEqual([[], null]);
    await number().update({ trunkSid: trunk.sid });
    await number().update({ trunkSid: other.sid });
    expect([await numbersOf(trunk.sid), await numbersOf(other.sid)]).toEqual([[], [phoneNumber]]);
    expect(await delivered(phoneNumber)).toBe(486);
    await trunks()(other.sid).remove();
    expect((await number().fetch()).trunkSid).toBeNull();
    expect((await client.incomingPhoneNumbers.list()).map((one) => one.phoneNumber)).toContain(phoneNumber);
    expect(await delivered(phoneNumber)).toBe(404);
    await number().update({ trunkSid: trunk.sid });
    expect(await delivered(phoneNumber)).toBe(486);
    await number().remove();
    expect((await client.incomingPhoneNumbers.list()).map((one) => one.phoneNumber)).not.toContain(phoneNumber);
    expect(await delivered(phoneNumber)).toBe(404);
  });

  it("R-NUM-7: on a trunk the voice URL of a number is not asked; an application takes it off the trunk, a trunk off the application", async () => {
    const trunk = await withTarget("ignoring");
    const phoneNumber = "+15550700031";
    const { sid } = await client.incomingPhoneNumbers.create({
      phoneNumber,
      trunkSid: trunk.sid,
      voiceUrl: `${application.url}/voice`,
    });
    const number = () => client.incomingPhoneNumbers(sid);
    expect(await delivered(phoneNumber)).toBe(486);
    expect(application.requests).toEqual([]);
    const made = await client.applications.create({ voiceUrl: `${application.url}/by-application` });
    const voiceApplicationSid = made.sid;
    expect(await number().update({ voiceApplicationSid })).toMatchObject({ trunkSid: null, voiceApplicationSid });
    const asked = () => application.requests.map(({ path }) => path);
    expect(await delivered(phoneNumber)).toBe(404);
    expect(asked()).toEqual(["/by-application"]);
    expect(await number().update({ trunkSid: trunk.sid })).toMatchObject({
      trunkSid: trunk.sid,
      voiceApplicationSid: null,
    });
    expect(await delivered(phoneNumber)).toBe(486);
    // Without its application a number off the trunk has its own URL.
    await number().update({ voiceApplicationSid });
    await client.applications(voiceApplicationSid).remove();
    expect(await delivered(phoneNumber)).toBe(404);
    expect(asked()).toEqual(["/by-application", "/voice"]);
  });

  it("R-NUM-8: E.164 with +, anything else is 400", async () => {
    for (const phoneNumber of ["4158675309", "+0415867530", "+1 415 867 5309", "+1234567890123456", "tel:+14158675309"])
      await expect(client.incomingPhoneNumbers.create({ phoneNumber }), phoneNumber).rejects.toMatchObject({
        status: 400,
      });
  });

  it("R-NUM-9: nothing that REST tells of a number or a call has a price", async () => {
    const Authorization = `Basic ${Buffer.from(`${client.accountSid}:${AUTH_TOKEN}`).toString("base64")}`;
    for (const path of ["IncomingPhoneNumbers", "Calls"]) {
      const url = `${rig.gateway.gateway.httpUrl}/2010-04-01/Accounts/${client.accountSid}/${path}.json`;
      const text = await (await fetch(url, { headers: { Authorization } })).text();
      expect(text.length).toBeGreaterThan(500);
      expect([...text.matchAll(/"price":([^,}]+)/g)].filter(([, value]) => value !== "null")).toEqual([]);
      expect(text).not.toMatch(/"(cost|amount|monthly_fee|fee)"/);
    }
  });
});

describe("accounts", () => {
  it("a suspended sub-account: its calls are 403 with alert 10001, and go through again when it is woken", async () => {
    const { sid } = await client.api.v2010.accounts.create({ friendlyName: "late payer" });
    const sub = client.api.v2010.accounts(sid);
    const authToken = rig.gateway.gateway.store.get("accounts", sid)!.authToken;
    const ofSub = twilio(sid, authToken);
    ofSub.trunking.baseUrl = rig.gateway.gateway.httpUrl!;
    const trunk = await ofSub.trunking.v1.trunks.create({ domainName: host("late") });
    const acl = await sub.sip.ipAccessControlLists.create({ friendlyName: "late" });
    await sub.sip.ipAccessControlLists(acl.sid).ipAddresses.create({ friendlyName: "x", ipAddress: CALLER });
    await ofSub.trunking.v1.trunks(trunk.sid).ipAccessControlLists.create({ ipAccessControlListSid: acl.sid });
    const from = "+15550700041";
    await sub.incomingPhoneNumbers.create({ phoneNumber: from });
    // The sub-account has no carrier of its own: what is asked here is whether it is let in.
    expect(await statusOf(host("late"), [], from)).toBe(503);
    await sub.update({ status: "suspended" });
    expect(await statusOf(host("late"), [], from)).toBe(403);
    expect(rig.gateway.gateway.alerts.all().some(({ code }) => code === 10001)).toBe(true);
    await sub.update({ status: "active" });
    expect(await statusOf(host("late"), [], from)).toBe(503);
  });
});
