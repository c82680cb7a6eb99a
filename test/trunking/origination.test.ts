import { describe, expect, it } from "vitest";
import { EdgeTable } from "../../src/trunking/edges.ts";
import { planInvite, stopsFailover, targetNumbersProblem } from "../../src/trunking/origination.ts";
import { orderTargets } from "../../src/trunking/target-order.ts";
import { readTargetUri, type TargetUri } from "../../src/trunking/target-uri.ts";
import { testTarget } from "../support/records.ts";
import { seededRandom } from "../support/seeded-random.ts";

const edges = new EdgeTable([{ name: "cellar", region: "ce1" }]);

function uri(text: string): TargetUri {
  const reading = readTargetUri(text, edges);
  if ("problem" in reading) throw new Error(reading.problem);
  return reading.uri;
}

function problem(text: string) {
  const reading = readTargetUri(text, edges);
  if ("uri" in reading) throw new Error("was taken");
  return reading;
}

const onTrunk = { dialled: "+14158675309", kind: "trunk", secure: false, diversionHost: "a.pstn.example.net" } as const;

describe("R-ORIG-18 which answers end the call", () => {
  const listed = [400, 404, 405, 410, 416, 482, 484, 486];
  it.each(Array.from({ length: 400 }, (_, offset) => 300 + offset))("%i", (status) => {
    expect(stopsFailover(status)).toBe(listed.includes(status) || status >= 600);
  });
});

describe("R-ORIG-2 to R-ORIG-11 target URIs", () => {
  it.each([
    ["sip:192.0.2.5", { host: "192.0.2.5", port: undefined, user: undefined }],
    ["sip:MySBC.example", { host: "mysbc.example" }],
    ["sip:anniebp@mysbc.example:5099", { user: "anniebp", host: "mysbc.example", port: 5099 }],
    ["sip:[2001:DB8::5]:5080", { host: "2001:db8::5", port: 5080 }],
    ["sip://sip-box.com:1234", { host: "sip-box.com", port: 1234 }],
    ["SIP:a%20b@x.example", { user: "a b" }],
    ["sip:x.example;transport=TCP", { transport: "tcp" }],
    ["sip:x.example;transport=tls", { transport: "tls", adjustedFromSips: false }],
    ["sips:x.example;transport=tcp", { transport: "tls", adjustedFromSips: true }],
    ["sip:x.example;edge=tokyo", { edge: "tokyo", params: [] }],
    ["sip:x.example;edge=tokyo-ix", { edge: "tokyo-ix" }],
    ["sip:x.example;region=jp1", { edge: "tokyo" }],
    ["sip:x.example;edge=Cellar;tnx=TN123", { edge: "cellar", params: [] }],
    ["sip:x.example;user=phone;secure=true", { params: [["user", "phone"]], secureMedia: true }],
    [
      "sip:x.example?X-myheader=foo&x-b=%22c%22%20d",
      {
        headers: [
          ["X-myheader", "foo"],
          ["x-b", '"c" d'],
        ],
      },
    ],
    ["sip:x.example?Route=%3Csip:evil%3E&User-to-User=1&from=x", { headers: [["User-to-User", "1"]] }],
    ["sip:x.example?remote-party-id=a", { headers: [["Remote-Party-ID", "a"]] }],
  ])("takes %s", (text, expected) => {
    expect(uri(text)).toMatchObject(expected);
  });

  it.each([
    ["", 13249],
    ["sip:", 13249],
    ["http://x.example", 13249],
    ["tel:+14155551212", 13249],
    ["sip:300.1.1.1", 13249],
    ["sip:192.0.2", 13249],
    ["sip:-x.example", 13249],
    ["sip:x..example", 13249],
    ["sip:[::1", 13249],
    ["sip:[192.0.2.1]", 13249],
    ["sip:x.example:0", 13249],
    ["sip:x.example:65536", 13249],
    ["sip:x.example:50a", 13249],
    ["sip:x y.example", 13249],
    ["sip:x.example\r\nVia: x", 13249],
    ["sip:user:secret@x.example", 13249],
    ["sip:%@x.example", 13249],
    ["sip:a%0d%0ab@x.example", 13249],
    ["sip:0x7f000001", 13249],
    ["sip:2130706433", 13249],
    ["sip:@x.example", 13249],
    ["sip:x.example;transport=sctp", 13249],
    ["sip:x.example;secure=true;transport=udp", 13249],
    ["sip:x.example;edge=atlantis", 21252],
    ["sip:x.example;region=zz9", 21252],
    [`sip:${"a".repeat(250)}@x.example`, 13249],
    [`sip:x.example?X-a=${"b".repeat(1100)}`, 13251],
    ["sip:x.example?X-a=b%0d%0aVia:%20x", 13252],
    ["sip:x.example?X-a=b%00", 13252],
    ["sip:x.example?X-a%0d=b", 13252],
    ["sip:x.example?X-a=%ff", 13252],
  ])("refuses %j with code %i", (text, restCode) => {
    expect(problem(text).restCode).toBe(restCode);
  });

  it("R-ORIG-7 takes 254 and 1023 characters, not more", () => {
    const head = (length: number) => `sip:${"a".repeat(length - "sip:@x.example".length)}@x.example`;
    const tail = (length: number) => `sip:x.example?X-a=${"b".repeat(length - "X-a=".length)}`;
    expect(uri(head(254)).host).toBe("x.example");
    expect(problem(head(255)).restCode).toBe(13249);
    expect(uri(tail(1023)).headers).toHaveLength(1);
    expect(problem(tail(1024)).restCode).toBe(13251);
  });
});

describe("R-ORIG-3 to R-ORIG-10, R-SEC-5, R-SEC-19 the INVITE", () => {
  it("uses the dialled number without a user part, and the URI's user with one; Diversion in both cases (R-ORIG-5)", () => {
    for (const [text, user] of [
      ["sip:mysbc.example", "+14158675309"],
      ["sip:anniebp@mysbc.example", "anniebp"],
    ] as const) {
      const plan = planInvite(uri(text), onTrunk);
      expect(plan.requestUri).toEqual({
        scheme: "sip",
        user,
        host: "mysbc.example",
        port: undefined,
        params: new Map(),
        headers: [],
      });
      expect(plan.headers).toEqual([["Diversion", "<sip:+14158675309@a.pstn.example.net>;reason=unconditional"]]);
      expect(plan.nextHop.params).toEqual(new Map([["transport", "udp"]]));
    }
  });

  it("keeps edge, region, tnx and secure off the wire and other parameters on it", () => {
    const plan = planInvite(uri("sip:x.example;edge=tokyo;tnx=1;user=phone;transport=tcp?X-a=1&X-b=2"), onTrunk);
    expect(plan.requestUri.params).toEqual(
      new Map([
        ["user", "phone"],
        ["transport", "tcp"],
      ]),
    );
    expect(plan.edge).toBe("tokyo");
    expect(plan.headers.map(([name]) => name)).toEqual(["X-a", "X-b", "Diversion"]);
  });

  it.each([
    ["sip:x.example;transport=udp", true, "trunk", "tls", "required"],
    ["sip:x.example:5099", true, "trunk", "tls", "required"],
    ["sip:x.example;transport=tls", false, "trunk", "tls", "none"],
    ["sips:x.example", false, "trunk", "tls", "none"],
    ["sip:x.example", false, "trunk", "udp", "none"],
    ["sip:x.example;transport=tls;secure=true", false, "trunk", "tls", "none"],
    ["sip:x.example;transport=tls", false, "byoc", "tls", "none"],
    ["sip:x.example;transport=tls;secure=true", false, "byoc", "tls", "required"],
    ["sip:x.example;secure=true", false, "byoc", "tls", "required"],
  ] as const)("%s, secure %s, %s: %s, SRTP %s", (text, secure, kind, transport, security) => {
    const plan = planInvite(uri(text), { ...onTrunk, secure, kind });
    expect(plan).toMatchObject({ transport, security });
    expect(plan.requestUri.scheme).toBe("sip");
    expect(plan.nextHop.params.get("transport")).toBe(transport);
    if (transport === "tls") expect(plan.requestUri.params.get("transport")).toBe("tls");
    expect(plan.nextHop.port).toBe(text.includes("5099") ? 5099 : undefined);
  });

  it("SIP-ID-5 puts our Diversion above those of the carrier", () => {
    const plan = planInvite(uri("sip:x.example"), { ...onTrunk, diversions: ["<sip:old@c.example>"] });
    expect(plan.headers.map(([, value]) => value.slice(0, 9))).toEqual(["<sip:+141", "<sip:old@"]);
  });
});

describe("R-ORIG-12, R-ORIG-13, R-BYOC-10 numbers of a target", () => {
  it.each([
    [0, 1, "trunk", true],
    [65535, 65535, "trunk", true],
    [65536, 1, "trunk", false],
    [-1, 1, "trunk", false],
    [1.5, 1, "trunk", false],
    [1, 65536, "trunk", false],
    [1, 0, "trunk", true],
    [1, 0, "connection-policy", false],
    [Number.NaN, 1, "trunk", false],
  ] as const)("priority %d, weight %d on a %s", (priority, weight, parent, good) => {
    expect(targetNumbersProblem(priority, weight, parent) === null).toBe(good);
  });
});

describe("R-ORIG-12 to R-ORIG-16 the order of targets", () => {
  const target = (friendlyName: string, priority: number, weight: number, enabled = true) =>
    testTarget({ friendlyName, priority, weight, enabled });
  const firstPicks = (targets: ReturnType<typeof target>[], position = 0, runs = 10_000) => {
    const random = seededRandom(4711);
    const counts = new Map<string, number>();
    for (let run = 0; run < runs; run++) {
      const name = [...orderTargets(targets, random)][position]!.friendlyName;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return (name: string) => (100 * (counts.get(name) ?? 0)) / runs;
  };

  it("R-ORIG-14 picks 60/20/20 within 2 and 1.5 percent", () => {
    const share = firstPicks([target("a", 10, 60), target("b", 10, 20), target("c", 10, 20)]);
    expect(Math.abs(share("a") - 60)).toBeLessThan(2);
    expect(Math.abs(share("b") - 20)).toBeLessThan(1.5);
    expect(Math.abs(share("c") - 20)).toBeLessThan(1.5);
  });

  it("R-ORIG-15 after the first failed, the others of its priority share by weight", () => {
    const random = seededRandom(1);
    const second = { b: 0, c: 0 };
    for (let run = 0; run < 10_000; run++) {
      const [first, next] = orderTargets([target("a", 10, 60), target("b", 10, 20), target("c", 10, 20)], random);
      if (first!.friendlyName === "a") second[next!.friendlyName as "b" | "c"]++;
    }
    expect(Math.abs(second.b / (second.b + second.c) - 0.5)).toBeLessThan(0.02);
  });

  it("R-ORIG-15 exhausts a priority before the next number, and names each target once", () => {
    const targets = [
      target("y", 20, 65535),
      target("b", 10, 1),
      target("z", 30, 1),
      target("a", 10, 60),
      target("x", 20, 1),
    ];
    const random = seededRandom(7);
    for (let run = 0; run < 500; run++) {
      const order = [...orderTargets(targets, random)];
      expect(order.map(({ priority }) => priority)).toEqual([10, 10, 20, 20, 30]);
      expect(new Set(order).size).toBe(5);
    }
  });

  it("R-ORIG-16 never yields a disabled target", () => {
    const order = [...orderTargets([target("off", 10, 10, false), target("on", 20, 10)], seededRandom(1))];
    expect(order.map(({ friendlyName }) => friendlyName)).toEqual(["on"]);
  });

  it("R-ORIG-13 yields weight 0 only after all others of its priority", () => {
    const targets = [target("zero", 10, 0), target("one", 10, 1), target("two", 20, 5)];
    const share = firstPicks(targets, 0, 1000);
    expect(share("one")).toBe(100);
    expect(firstPicks(targets, 1, 100)("zero")).toBe(100);
    const zeros = firstPicks([target("a", 1, 0), target("b", 1, 0)]);
    expect(Math.abs(zeros("a") - 50)).toBeLessThan(2);
  });

  it("R-KEEP-6 asks at each pick which targets can be used", () => {
    const down = new Set(["a"]);
    const order = orderTargets(
      [target("a", 10, 1), target("b", 20, 1), target("c", 30, 1)],
      seededRandom(1),
      ({ friendlyName }) => !down.has(friendlyName),
    );
    expect(order.next().value?.friendlyName).toBe("b");
    down.clear();
    expect(order.next().value?.friendlyName).toBe("a");
    down.add("c");
    expect(order.next().done).toBe(true);
  });
});
