/**
 * Stories as text: from data of real runs (test/e2e/explain.test.ts with UPDATE_GOLDEN=1) to what is printed, byte by byte;
 * and whatever the data are, within the width and harmless to a terminal (issue 4, R-GEN-8, hardening R27).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { causeOf } from "../../src/explain/causes.ts";
import { renderList, renderReport } from "../../src/explain/render.ts";
import { safeJson, safeText, wrapText } from "../../src/explain/safe-text.ts";
import type { CallReport, CallSummary, MessageRecord, StoryStep } from "../../src/explain/types.ts";

const GOLDEN = join(import.meta.dirname, "golden");
const golden = (name: string) => JSON.parse(readFileSync(join(GOLDEN, `${name}.json`), "utf8")) as CallReport;
const names = readdirSync(GOLDEN)
  .filter((name) => name.endsWith(".json"))
  .map((name) => name.slice(0, -5));
const plain = { width: 80, colour: false, full: false };
/** But for line ends. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

describe("stories of real runs", () => {
  it("are those of the five cases and more", () => {
    expect(names).toEqual(
      expect.arrayContaining([
        "all-targets-dead",
        "no-common-codec",
        "unlisted-address",
        "webhook-failing",
        "wrong-password",
      ]),
    );
  });

  it.each(names)("%s", async (name) => {
    const text = renderReport(golden(name), plain);
    await expect(text).toMatchFileSnapshot(join(GOLDEN, `${name}.txt`));
    const rows = text.trimEnd().split("\n");
    expect(Math.max(...rows.map(({ length }) => length))).toBeLessThanOrEqual(80);
    if (name !== "answered") expect(rows.length).toBeLessThanOrEqual(40);
  });

  it.each(names)("%s: --full shows every message in full", (name) => {
    const report = golden(name);
    const text = renderReport(report, { ...plain, full: true });
    for (const message of report.messages)
      for (const line of message.text.split("\r\n")) expect(text).toContain(`${line}\n`);
  });

  it.each(names)("%s: fits 60 and 120 columns", (name) => {
    for (const width of [60, 72, 120])
      for (const row of renderReport(golden(name), { ...plain, width }).split("\n"))
        expect(row.length).toBeLessThanOrEqual(width);
  });

  it("has colours only when they are asked for, and they change nothing else", () => {
    const report = golden("wrong-password");
    const coloured = renderReport(report, { ...plain, colour: true });
    expect(coloured).toContain("\u001b[31m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of them
    expect(coloured.replace(/\u001b\[[0-9;]*m/g, "")).toBe(renderReport(report, plain));
  });
});

describe("the ladder", () => {
  const message = (changes: Partial<MessageRecord>): MessageRecord => ({
    atMs: 0,
    direction: "out",
    sipCallId: "b",
    transport: "udp",
    peer: "192.0.2.9:5060",
    method: "INVITE",
    status: 0,
    reason: "",
    cseq: 1,
    authorized: false,
    sdp: true,
    bytes: 500,
    text: "",
    ...changes,
  });
  const drawn = (messages: readonly MessageRecord[], guilty: number | null = null) => {
    const report = golden("all-targets-dead");
    const text = renderReport({ ...report, messages, diagnosis: { ...report.diagnosis, message: guilty } }, plain);
    return text
      .slice(text.lastIndexOf("\n\n"))
      .split("\n")
      .slice(4)
      .filter((row) => row !== "");
  };
  const caller = golden("all-targets-dead").legs[0]!.sipCallId;

  it("folds repeats, and tells which request nobody answered", () => {
    const repeats = [0, 500, 1500].map((atMs) => message({ atMs }));
    expect(drawn(repeats)[0]).toMatch(/\|-+ INVITE (\+sdp )?\(1\) x3 silent -+>\|$/);
    expect(drawn([...repeats, message({ direction: "in", status: 100, reason: "Trying" })])[0]).not.toContain("silent");
  });

  it("marks the guilty message, also when it is a repeat", () => {
    expect(drawn([message({}), message({ atMs: 500 })], 1)[0]).toMatch(/^>> /);
  });

  it("gives one column to each of two targets, and one to all of many, which are named then", () => {
    const to = (count: number) =>
      Array.from({ length: count }, (_, n) => message({ sipCallId: `b${n}`, peer: `192.0.2.${n}:5060` }));
    const bars = (rows: readonly string[]) => rows.map((row) => row.split("|").length - 1);
    expect(bars(drawn([message({ sipCallId: caller, direction: "in", peer: "pbx" }), ...to(2)]))).toEqual([4, 4, 3]);
    const many = drawn(to(5));
    expect(bars(many)).toEqual([3, 3, 3, 3, 3]);
    expect(many[3]).toContain("192.0.2.3:5060");
  });

  it("leaves out the middle of a long one, unless all is asked for", () => {
    const messages = Array.from({ length: 100 }, (_, cseq) =>
      message({ cseq, method: "INFO", sipCallId: caller, sdp: false }),
    );
    expect(drawn(messages).some((row) => row.includes("… 82 more (--full shows all)"))).toBe(true);
    const report = golden("all-targets-dead");
    const full = renderReport({ ...report, messages }, { ...plain, full: true });
    expect(full.match(/INFO \(\d+\) silent/g)!.length).toBe(100);
  });
});

describe("whatever the data are", () => {
  const nasty = fc.oneof(
    fc.string({ unit: "binary", maxLength: 120 }),
    fc.constantFrom("\u001b[2J\u001b]0;x\u0007", "a\r\nb", "\u202eevil", "x".repeat(300), "", "\ud800"),
  );
  const count = fc.integer({ min: 0, max: 100_000 });
  const step = fc.record({
    atMs: count,
    callSid: fc.option(nasty),
    step: nasty,
    code: fc.oneof(nasty, fc.constantFrom("target.status", "hunt.failed", "refused.password", "sdp.no-codec")),
    text: nasty,
    fields: fc.dictionary(nasty, fc.oneof(nasty, count, fc.boolean(), fc.constant(null))),
  });
  const line = fc.record({
    atMs: count,
    direction: fc.constantFrom("in" as const, "out" as const),
    sipCallId: fc.constantFrom("a", "b", "c", "d", "e"),
    transport: nasty,
    peer: fc.oneof(nasty, fc.constantFrom("p1", "p2", "p3")),
    method: fc.oneof(nasty, fc.constant("INVITE")),
    status: fc.constantFrom(0, 100, 200, 486),
    reason: nasty,
    cseq: count,
    authorized: fc.boolean(),
    sdp: fc.boolean(),
    bytes: count,
    text: nasty,
  });
  const header = { ...golden("answered").call };
  const report = fc
    .record({ steps: fc.array(step, { maxLength: 40 }), messages: fc.array(line, { maxLength: 60 }), text: nasty })
    .map(
      ({ steps, messages, text }): CallReport => ({
        call: { ...header, sipCallId: "a", from: text, to: text, remote: text, status: text },
        legs: [{ ...header, sipCallId: "a", callSid: text, direction: text, parentSid: null }],
        diagnosis: { failed: true, code: text, cause: text, cure: text, step: 1, message: 2 },
        steps,
        messages,
        omitted: { steps: 1, messages: 2 },
        trace: "kept",
      }),
    );

  it("property: the text fits its width and holds nothing that a terminal acts on", () => {
    fc.assert(
      fc.property(report, fc.integer({ min: 60, max: 140 }), (data, width) => {
        const text = renderReport(data, { width, colour: false, full: false });
        expect(text).not.toMatch(CONTROLS);
        for (const row of text.split("\n")) expect([...row].length, row).toBeLessThanOrEqual(width);
        expect(renderReport(data, { width, colour: false, full: true })).not.toMatch(CONTROLS);
        const json = safeJson(data);
        expect(json).not.toMatch(CONTROLS);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(data)));
      }),
      { numRuns: 150 },
    );
  });

  it("property: every step is judged without a throw", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 10 }), (steps) => {
        for (const one of steps) causeOf(one as StoryStep, steps as StoryStep[]);
      }),
    );
  });

  it("property: a list shows nothing that a terminal acts on either", () => {
    fc.assert(
      fc.property(fc.array(nasty, { maxLength: 5 }), (texts) => {
        const calls = texts.map(
          (text): CallSummary => ({
            ...header,
            from: text,
            to: text,
            status: text,
            id: text,
            failed: true,
            cause: text,
          }),
        );
        const text = renderList(calls, { width: 80, colour: false });
        expect(text).not.toMatch(CONTROLS);
        for (const row of text.split("\n")) expect([...row].length, row).toBeLessThanOrEqual(80);
      }),
    );
  });

  it("wraps at blanks, and cuts words that are too long", () => {
    expect(wrapText("a bb ccc dddd", 5)).toEqual(["a bb", "ccc", "dddd"]);
    expect(wrapText("x".repeat(12), 5)).toEqual(["xxxxx", "xxxxx", "xx"]);
    expect(wrapText("", 5)).toEqual([""]);
    expect(safeText("a\u001bb\u009b\u202e")).toBe("a\\u001bb\\u009b\\u202e");
  });
});
