/**
 * From nothing to a working trunk and back to nothing with the unmodified `twilio` package (npm install twilio):
 *
 *   TANDEM_URL=http://127.0.0.1:8080 TANDEM_ACCOUNT_SID=AC… TANDEM_AUTH_TOKEN=… TANDEM_BASE=voice.example.net \
 *     node examples/rest/customer.mjs
 *
 * TANDEM_BASE is `domains.base` of the gateway. KEEP=1 leaves what was made.
 */

import twilio from "twilio";

const { TANDEM_URL: url, TANDEM_ACCOUNT_SID: account, TANDEM_AUTH_TOKEN: token, TANDEM_BASE: base, KEEP } = process.env;
if (!url || !account || !token || !base) {
  console.error("set TANDEM_URL, TANDEM_ACCOUNT_SID, TANDEM_AUTH_TOKEN and TANDEM_BASE");
  process.exit(2);
}

const client = twilio(account, token);
// The only difference to the cloud: where each product is.
for (const product of [client.api, client.trunking, client.voice]) product.baseUrl = url;
const { trunks } = client.trunking.v1;
const { byocTrunks, connectionPolicies } = client.voice.v1;
const name = `example-${Date.now().toString(36)}`;
/** What was made, to be deleted in the opposite order. */
const made = [];

async function make(what, resource, parameters) {
  const one = await resource.create(parameters);
  console.log(`made     ${what} ${one.sid}`);
  made.push({ what, sid: one.sid, remove: () => resource(one.sid).remove() });
  return one;
}

try {
  // Calls to the telephone network: a carrier with two targets, tried in order.
  const policy = await make("connection policy", connectionPolicies, { friendlyName: name });
  const { targets } = connectionPolicies(policy.sid);
  await make("target", targets, { target: "sip:sbc1.carrier.example;transport=tls", priority: 10 });
  await make("target", targets, { target: "sip:sbc2.carrier.example", priority: 20 });
  const byoc = await make("BYOC trunk", byocTrunks, {
    friendlyName: name,
    connectionPolicySid: policy.sid,
    voiceUrl: "https://app.example.com/voice",
  });
  // Where that carrier sends calls to, and from which addresses.
  const domain = await make("SIP domain", client.sip.domains, {
    domainName: `${name}.sip.${base}`,
    byocTrunkSid: byoc.sid,
  });
  const carriers = await make("access control list", client.sip.ipAccessControlLists, { friendlyName: "carrier" });
  await client.sip
    .ipAccessControlLists(carriers.sid)
    .ipAddresses.create({ friendlyName: "carrier", ipAddress: "198.51.100.0", cidrPrefixLength: 24 });
  await make("mapping", client.sip.domains(domain.sid).auth.calls.ipAccessControlListMappings, {
    ipAccessControlListSid: carriers.sid,
  });

  // The trunk of a PBX: who may call through it …
  const trunk = await make("trunk", trunks, { friendlyName: name, domainName: `${name}.pstn.${base}` });
  const users = await make("credential list", client.sip.credentialLists, { friendlyName: name });
  await client.sip.credentialLists(users.sid).credentials.create({
    username: "pbx",
    password: `A1-${crypto.randomUUID()}`,
  });
  await make("mapping", trunks(trunk.sid).credentialsLists, { credentialListSid: users.sid });
  // … where calls to its numbers go: 60, 20 and 20 of a hundred, and a backup when none of the three answers …
  for (const [weight, priority, host] of [
    [60, 10, "pbx1"],
    [20, 10, "pbx2"],
    [20, 10, "pbx3"],
    [10, 20, "backup"],
  ])
    await make("origination URL", trunks(trunk.sid).originationUrls, {
      friendlyName: host,
      sipUrl: `sip:${host}.customer.example`,
      weight,
      priority,
      enabled: true,
    });
  // … and its number. Calls are recorded from the answer on, each side in a channel of its own.
  const number = await make("number", client.incomingPhoneNumbers, {
    phoneNumber: `+1555${String(Date.now()).slice(-7)}`,
  });
  await make("number of the trunk", trunks(trunk.sid).phoneNumbers, { phoneNumberSid: number.sid });
  await trunks(trunk.sid).recordings().update({ mode: "record-from-answer-dual" });

  const whole = await trunks(trunk.sid).fetch();
  console.log(`the PBX calls ${whole.domainName}, guarded by ${whole.authType}; recording: ${whole.recording.mode}`);
} finally {
  if (!KEEP)
    for (const { what, sid, remove } of made.reverse()) {
      await remove();
      console.log(`deleted  ${what} ${sid}`);
    }
}
