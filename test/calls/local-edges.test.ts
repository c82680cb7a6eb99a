/** The rules of which edge a call belongs to and its legs leave from (R-EDGE-6 to R-EDGE-12, R-ORIG-10, R-NET-3, R-NET-5). */
import { describe, expect, it } from "vitest";
import { localEdges } from "../support/edges.ts";
import { ManualClock } from "../support/manual-clock.ts";

const TWO = `
edges:
  - { name: tokyo, listen: [192.0.2.21, "2001:db8::21"], media: { address: 192.0.2.22 } }
  - { name: dublin, listen: [192.0.2.31] }
  - { name: tokyo-ix, listen: [10.0.0.5], tnx: TK42 }
  - { name: osaka, addresses: [198.51.100.1] }
`;

const named = (edge: { edge: { name: string }; problem?: string }) => edge.problem ?? edge.edge.name;

describe("R-EDGE-11: one edge", () => {
  it("answers to every name, and sends from wherever the system takes", () => {
    const edges = localEdges(new ManualClock());
    expect(edges.isSingle).toBe(true);
    expect(edges.default).toMatchObject({ name: "default", sendFrom: undefined });
    for (const name of ["tokyo", "jp1", "ie1", "tokyo-ix", "atlantis"]) expect(edges.named(name)).toBe(edges.default);
    expect(named(edges.egress("tokyo", edges.default))).toBe("default");
    expect(edges.at("203.0.113.9")).toBe(edges.default);
  });

  it("has the name that the configuration gives it, and addresses of sip and media", () => {
    const edges = localEdges(
      new ManualClock(),
      "edges: [{ name: sydney }]\nsip: { address: 10.0.0.1, announce: 203.0.113.5 }\nmedia: { portMin: 4000, portMax: 4999 }",
    );
    expect(edges.default.plan).toMatchObject({ name: "sydney", region: "au1", addresses: ["203.0.113.5"] });
    expect(edges.default.media).toEqual({
      address: "10.0.0.1",
      announce: "203.0.113.5",
      portMin: 4000,
      portMax: 4999,
    });
  });
});

describe("several edges", () => {
  it("R-EDGE-7: the address of a socket tells its edge, that of media as well", () => {
    const edges = localEdges(new ManualClock(), TWO);
    expect(edges.all.map(({ name }) => name)).toEqual(["tokyo", "dublin", "tokyo-ix"]);
    for (const [address, name] of [
      ["192.0.2.21", "tokyo"],
      ["192.0.2.22", "tokyo"],
      ["2001:db8::21", "tokyo"],
      ["192.0.2.31", "dublin"],
      ["10.0.0.5", "tokyo-ix"],
    ] as const)
      expect(edges.at(address).name).toBe(name);
    expect(edges.default.sendFrom).toEqual(["192.0.2.21", "2001:db8::21"]);
  });

  it("R-ORIG-10, R-NET-5: a leg leaves from the edge of its target by name or region, else from that of the call", () => {
    const edges = localEdges(new ManualClock(), TWO);
    const tokyo = edges.named("jp1")!;
    expect(named(edges.egress(null, tokyo))).toBe("tokyo");
    expect(named(edges.egress("ie1", tokyo))).toBe("dublin");
    expect(named(edges.egress("tokyo-ix", edges.named("dublin")!))).toBe("tokyo-ix");
    expect(named(edges.egress("jp1-ix", tokyo))).toBe("tokyo-ix");
  });

  it("R-EDGE-12, R-NET-3: an edge that is asked for by name is never replaced by another", () => {
    const edges = localEdges(new ManualClock(), TWO);
    const tokyo = edges.named("tokyo")!;
    expect(named(edges.egress("sydney", tokyo))).toBe("edge sydney is not served here");
    expect(named(edges.egress("osaka", tokyo))).toBe("edge osaka is not served here");
    edges.named("dublin")!.draining = true;
    expect(named(edges.egress("dublin", tokyo))).toBe("edge dublin takes no new calls");
    expect(named(edges.start("dublin"))).toBe("edge dublin takes no new calls");
  });

  it("R-EDGE-6: while an edge drains, its own calls go on there, also to new targets", () => {
    const edges = localEdges(new ManualClock(), TWO);
    const tokyo = edges.named("tokyo")!;
    tokyo.draining = true;
    expect(named(edges.egress(null, tokyo))).toBe("tokyo");
    expect(named(edges.egress("tokyo", tokyo))).toBe("tokyo");
    expect(named(edges.start(null))).toBe("dublin");
  });

  it("R-EDGE-12: when the machine has lost all addresses of an edge, calls without a name leave from another", () => {
    const clock = new ManualClock();
    const lost = new Set<string>();
    const edges = localEdges(clock, TWO, (address) => !lost.has(address));
    const tokyo = edges.named("tokyo")!;
    expect(named(edges.egress(null, tokyo))).toBe("tokyo");
    lost.add("192.0.2.21");
    clock.advance(2000);
    expect(named(edges.egress(null, tokyo))).toBe("tokyo");
    lost.add("2001:db8::21");
    clock.advance(2000);
    expect(named(edges.egress(null, tokyo))).toBe("dublin");
    expect(named(edges.egress("tokyo", edges.named("dublin")!))).toBe("edge tokyo takes no new calls");
    lost.clear();
    clock.advance(2000);
    expect(named(edges.egress(null, tokyo))).toBe("tokyo");
  });
});
