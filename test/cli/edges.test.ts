/** `tandem network`, `tandem edges uris` and `tandem check` on a configuration of several edges (R-EDGE-3, R-NET-1). */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { checkReport, formatCheckReport } from "../../src/cli/check-report.ts";
import { parseConfig } from "../../src/cli/config.ts";
import { formatNetwork, formatUris, networkOf, urisOf, zoneOf } from "../../src/cli/edge-report.ts";

const config = parseConfig(
  `
domains: { base: voice.example.net }
edges:
  - { name: tokyo, listen: [10.0.0.21], announce: [203.0.113.21], media: { portMin: 20000, portMax: 39999 } }
  - { name: dublin, listen: [10.0.0.31], tcpPort: off, addresses: [10.0.0.31, 203.0.113.32] }
  - { name: osaka, region: os1, addresses: [198.51.100.9] }
accounts: [{ name: main, authToken: 0123456789abcdef }]
ipAccessControlLists: [{ name: lan, addresses: [10.0.0.0/8] }]
trunks: [{ name: office, domain: office, ipAccessControlLists: [lan] }]
`,
  "t.yaml",
  {},
);

describe("the command line on edges", () => {
  it("R-NET-1: network lists address, ports, protocol and direction of each edge", () => {
    expect(formatNetwork(networkOf(config)).split("\n").slice(0, -1)).toEqual([
      "EDGE    PROTOCOL       TRANSPORT  ADDRESS       PORTS        DIRECTION",
      "tokyo   SIP            udp        203.0.113.21  5060         in and out",
      "tokyo   SIP            tcp        203.0.113.21  5060         in",
      "tokyo   SIP            tcp        203.0.113.21  1024-65535   out",
      "tokyo   RTP and RTCP   udp        203.0.113.21  20000-39999  in and out",
      "tokyo   Media Streams  tcp        203.0.113.21  1024-65535   out",
      "dublin  SIP            udp        10.0.0.31     5060         in and out",
      "dublin  SIP            udp        203.0.113.32  5060         in and out",
      "dublin  SIP            tcp        10.0.0.31     1024-65535   out",
      "dublin  SIP            tcp        203.0.113.32  1024-65535   out",
      "dublin  RTP and RTCP   udp        10.0.0.31     10000-60000  in and out",
      "dublin  Media Streams  tcp        10.0.0.31     1024-65535   out",
      "osaka   SIP            udp        198.51.100.9  5060         in and out",
      "osaka   SIP            tcp        198.51.100.9  5060         in",
      "osaka   SIP            tcp        198.51.100.9  1024-65535   out",
    ]);
  });

  it("R-EDGE-3: edges uris lists the names of a trunk with their addresses, and takes no other names", () => {
    expect(formatUris(urisOf(config, "office.pstn")!)).toContain(
      "office.pstn.jp1.voice.example.net     tokyo   203.0.113.21\n",
    );
    expect(urisOf(config, "OFFICE.pstn.voice.example.net")).toEqual(urisOf(config, "office.pstn"));
    expect(urisOf(config, "office")).toBeUndefined();
  });

  it("R-EDGE-4: zone has the names of the declared trunks in full", () => {
    const { lines, problems } = zoneOf(config);
    expect(problems).toEqual([]);
    expect(lines.some((line) => /^_sip\._udp\.office\.pstn\.jp1 +600 IN SRV +10 10 5060 jp1$/.test(line))).toBe(true);
  });

  it("check shows what each edge listens on, and counts the ports of all", () => {
    const report = checkReport(config, 2);
    expect(formatCheckReport(report)).toContain(`# listens on
#   edge tokyo (jp1)
#     SIP over UDP  10.0.0.21:5060, announced as 203.0.113.21
#     SIP over TCP  10.0.0.21:5060, announced as 203.0.113.21
#     SIP over TLS  off: tls.certFile is not set
#     RTP, RTCP     10.0.0.21:20000-39999, announced as 203.0.113.21
#   edge dublin (ie1)
#     SIP over UDP  10.0.0.31:5060
#     SIP over TLS  off: tls.certFile is not set
#     RTP, RTCP     10.0.0.31:10000-60000
`);
    expect(report.capacity.legsByPorts).toBe(35_000);
    expect(report.warnings.join()).not.toContain("sip.announce");
  });
});

describe("examples/tandem.yaml", () => {
  it("R-EDGE-1: names every setting of an edge", () => {
    const text = readFileSync(resolve(import.meta.dirname, "../../examples/tandem.yaml"), "utf8");
    const [edge] = parseConfig("edges: [{ name: x }]", "t.yaml", {}).settings.edges;
    const section = /\nedges:\n([\s\S]*?)\n\n/.exec(text)![1]!;
    for (const key of [...Object.keys(edge!), ...Object.keys(edge!.media)])
      expect(section).toMatch(new RegExp(`^ +(- )?${key}:`, "m"));
  });
});
