/** A gateway whose trunk and connection policy have targets of weights 60, 20 and 20, which refuse at once, and a backup. */
import { startGateway, type TestGateway } from "./gateway.ts";
import { MassCaller, RefusingTarget } from "./mass-calls.ts";

export const SHARES = [
  { weight: 60, percent: 60, tolerance: 2 },
  { weight: 20, percent: 20, tolerance: 1.5 },
  { weight: 20, percent: 20, tolerance: 1.5 },
] as const;

/** What the first three answer: a failure, or one that ends the call. */
export type FirstAnswer = (target: number, invite: string) => number;

export interface SelectionRig {
  readonly gateway: TestGateway;
  readonly caller: MassCaller;
  /** Those with weights, then the backup of the next priority. */
  readonly targets: readonly RefusingTarget[];
  stop(): Promise<void>;
}

export const KINDS = [
  { kind: "origination URIs", to: "sip:+15550300001@carrier.sip.voice.test" },
  { kind: "targets of a connection policy", to: "sip:+15550200300@office.pstn.voice.test" },
] as const;

/** @param addresses - of gateway, caller, and four targets */
export async function startSelection(
  addresses: readonly string[],
  answer: FirstAnswer,
  random?: () => number,
): Promise<SelectionRig> {
  const [address, from, ...at] = addresses as [string, string, ...string[]];
  const lines = at.map(
    (host, index) =>
      `{ name: t${index}, url: "sip:${host}", priority: ${index < 3 ? 10 : 20}, weight: ${SHARES[index]?.weight ?? 10} }`,
  );
  const gateway = await startGateway(
    address,
    `
ipAccessControlLists: [{ name: peers, addresses: [${from}] }]
connectionPolicies: [{ name: carrier, targets: [${lines.join(", ")}] }]
byocTrunks: [{ name: carrier, connectionPolicy: carrier, defaultCarrier: true }]
sipDomains: [{ name: carrier, domain: carrier, byocTrunk: carrier, ipAccessControlLists: [peers] }]
trunks:
  - { name: office, domain: office, ipAccessControlLists: [peers], callerIdPolicy: any }
  - { name: pbx, domain: pbx, ipAccessControlLists: [peers], originationUrls: [${lines.join(", ")}] }
phoneNumbers: [{ number: "+15550300001", trunk: pbx }]
`,
    { ports: [10_000, 59_999], ...(random === undefined ? {} : { random }) },
  );
  const targets = await Promise.all(
    at.map((host, index) =>
      RefusingTarget.open(
        host,
        (invite) => (index < 3 ? answer(index, invite) : 486),
        (status) => (status === 401 || status === 407 ? [challengeOf(status)] : []),
      ),
    ),
  );
  const caller = await MassCaller.open(from, address);
  return {
    gateway,
    caller,
    targets,
    async stop() {
      await gateway.stop();
      caller.close();
      for (const target of targets) target.close();
    },
  };
}

function challengeOf(status: number): string {
  const name = status === 401 ? "WWW-Authenticate" : "Proxy-Authenticate";
  return `${name}: Digest realm="target", nonce="n${status}", qop="auth", algorithm=MD5`;
}

/** Share in percent of the calls whose first INVITE each of the three got. */
export function firstShares(targets: readonly RefusingTarget[], count: number): number[] {
  return targets.slice(0, 3).map(({ callIds }) => (100 * callIds.length) / count);
}
