/** What the configuration says of edges (R-EDGE-1, R-NET-4, R-NET-5), and what it must not say. */
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/base/errors.ts";
import { parseConfig } from "../../src/cli/config.ts";
import { planEdges } from "../../src/trunking/edge-plan.ts";

const plans = (text: string) => planEdges(parseConfig(text, "t.yaml", {}).settings);

function errors(text: string): string[] {
  try {
    parseConfig(text, "t.yaml", {});
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n").map((line) => line.replace(/^t\.yaml:\S+ /, ""));
    throw error;
  }
  return [];
}

describe("edges of the configuration", () => {
  it("R-EDGE-1: two edges load, each with names, addresses, and ports of its own or those of sip and media", () => {
    const [tokyo, dublin] = plans(`
sip: { udpPort: 5070, tcpPort: off }
media: { portMin: 10000, portMax: 19999 }
edges:
  - { name: tokyo, listen: [10.0.0.21, 10.0.0.22], announce: [203.0.113.21, 203.0.113.22], addresses: [203.0.113.21, 203.0.113.22, 203.0.113.23] }
  - { name: Dublin, listen: [10.0.0.31], udpPort: off, tcpPort: 5090, media: { address: 10.0.0.32, portMin: 30000, portMax: 30099 } }
`);
    expect(tokyo).toEqual({
      name: "tokyo",
      region: "jp1",
      tnx: null,
      listen: [
        { transport: "udp", address: "10.0.0.21", port: 5070, announce: "203.0.113.21" },
        { transport: "udp", address: "10.0.0.22", port: 5070, announce: "203.0.113.22" },
      ],
      addresses: ["203.0.113.21", "203.0.113.22", "203.0.113.23"],
      media: { address: "10.0.0.21", announce: "203.0.113.21", portMin: 10_000, portMax: 19_999 },
    });
    expect(dublin).toMatchObject({
      name: "dublin",
      region: "ie1",
      listen: [{ transport: "tcp", address: "10.0.0.31", port: 5090, announce: "10.0.0.31" }],
      media: { address: "10.0.0.32", announce: "10.0.0.32", portMin: 30_000, portMax: 30_099 },
    });
  });

  it("R-EDGE-11: without edges that listen there is one, on the addresses of sip and media; others are elsewhere", () => {
    const text = "sip: { announce: 203.0.113.5 }\nedges: [{ name: cellar, region: ce1, addresses: [198.51.100.7] }]";
    expect(plans(text)).toMatchObject([
      { name: "default", addresses: ["203.0.113.5"], media: { address: "0.0.0.0", announce: "203.0.113.5" } },
      { name: "cellar", region: "ce1", listen: [], addresses: ["198.51.100.7"], media: undefined },
    ]);
    expect(plans("")).toMatchObject([{ name: "default", addresses: [] }]);
  });

  it("R-NET-5: an interconnect has the suffix -ix in both of its names", () => {
    expect(plans("edges: [{ name: tokyo-ix, listen: [10.1.0.1] }]")).toMatchObject([{ region: "jp1-ix" }]);
  });

  it.each([
    [
      "edges: [{ name: a, listen: [0.0.0.0] }]",
      "edges[0].listen: an edge is known by its addresses, so it cannot use all of the machine",
    ],
    [
      "edges: [{ name: a, listen: [10.0.0.1] }, { name: b, listen: [10.0.0.1] }]",
      "edges[1].listen: 10.0.0.1 belongs to edge a already",
    ],
    [
      "edges: [{ name: a, listen: [10.0.0.1] }, { name: b, listen: [10.0.0.2], media: { address: 10.0.0.1 } }]",
      "edges[1].media: 10.0.0.1 belongs to edge a already",
    ],
    [
      "edges: [{ name: a, listen: [10.0.0.1], announce: [1.2.3.4, 1.2.3.5] }]",
      "edges[0].announce: expected as many addresses as listen has, in the same order",
    ],
    [
      "edges: [{ name: a, announce: [1.2.3.4] }]",
      "edges[0].announce: this edge is not served here: give it listen, or leave this out",
    ],
    [
      "edges: [{ name: a, listen: [10.0.0.1], udpPort: off, tcpPort: off }]",
      "edges[0].listen: no transport is left: give udpPort, tcpPort, or tlsPort with tls.certFile",
    ],
    [
      "edges: [{ name: a, listen: [10.0.0.1], media: { portMin: 80, portMax: 90 } }]",
      "edges[0].media: expected ports from 1024 up, at least 3 apart, or 0 for both ends",
    ],
    ["edges: [{ name: a, region: x }, { name: x }]", "edges[1].name: the name is used twice"],
    ["edges: [{ name: a, tnx: T }, { name: b, tnx: t }]", "edges[1].tnx: the name is used twice"],
    [
      "sip: { announce: 203.0.113.5 }\nedges: [{ name: a, listen: [10.0.0.1] }]",
      "edges[0].listen: where edges listen, sip.announce, media.address and media.announce mean nothing: say it at each edge",
    ],
    [
      "edges: [{ name: a, udpPort: 70000 }]",
      'edges[0].udpPort: found "70000", expected a port from 0 to 65535, or "off"',
    ],
  ])("refuses %s", (text, message) => {
    expect(errors(text)).toContain(message);
  });
});
