import { describe, expect, it } from "vitest";
import { advance, type Outcome, type Program, startProgram } from "../../src/voice/interpreter.ts";
import { parseTwiml } from "../../src/voice/twiml-parser.ts";

const URL_ = "https://a.example/voice/start?x=1";
const program = (text: string, url: string | null = URL_) =>
  startProgram(parseTwiml(`<Response>${text}</Response>`), url);

function run(start: Program, outcomes: Outcome[] = []) {
  const steps: string[] = [];
  let current = start;
  for (let outcome: Outcome = { kind: "done" }; ; outcome = outcomes.shift() ?? { kind: "done" }) {
    const step = advance(current, outcome);
    current = step.program;
    const { instruction } = step;
    if (instruction.kind === "run") steps.push(instruction.verb.verb);
    else {
      steps.push(instruction.kind === "fetch" ? `${instruction.method} ${instruction.url}` : "end");
      return steps;
    }
  }
}

describe("twiml.md 1: stepping through a document", () => {
  it("runs verbs top to bottom and ends with a hang-up", () => {
    expect(run(program("<Pause/><Play>a.wav</Play>"))).toEqual(["Pause", "Play", "end"]);
  });

  it("Redirect replaces the document, relative to where it stood; empty text is the document again", () => {
    expect(run(program('<Redirect method="GET">next?a=b</Redirect><Pause/>'))).toEqual([
      "GET https://a.example/voice/next?a=b",
    ]);
    expect(run(program("<Redirect/>"))).toEqual([`POST ${URL_}`]);
  });

  it("an action takes over after Dial and Connect; without one the next verb runs", () => {
    const action: Outcome = { kind: "action", parameters: [["DialCallStatus", "busy"]] };
    expect(run(program('<Dial action="/done" method="GET">+15550100200</Dial><Pause/>'), [action])).toEqual([
      "Dial",
      "GET https://a.example/done",
    ]);
    expect(run(program("<Dial>+15550100200</Dial><Pause/>"), [action])).toEqual(["Dial", "Pause", "end"]);
    expect(
      run(program('<Connect action=""><Stream url="wss://x/"/></Connect>'), [{ kind: "action", parameters: [] }]),
    ).toEqual(["Connect", `POST ${URL_}`]);
  });

  it("action parameters travel with the fetch", () => {
    const first = advance(program('<Dial action="/d">+15550100200</Dial>'), { kind: "done" });
    const { instruction } = advance(first.program, { kind: "action", parameters: [["DialCallStatus", "busy"]] });
    expect(instruction).toEqual({
      kind: "fetch",
      url: "https://a.example/d",
      method: "POST",
      parameters: [["DialCallStatus", "busy"]],
    });
  });

  it("URLs of verbs are resolved against the document; a document without a URL needs absolute ones (11100)", () => {
    const { instruction } = advance(program("<Play>../hold.wav</Play>"), { kind: "done" });
    expect(instruction).toMatchObject({ verb: { url: "https://a.example/hold.wav" } });
    expect(() => advance(program("<Play>hold.wav</Play>", null), { kind: "done" })).toThrowError(
      expect.objectContaining({ alertCode: 11100 }),
    );
    expect(() => advance(program("<Play>ftp://a/b</Play>"), { kind: "done" })).toThrowError(
      expect.objectContaining({ alertCode: 11100 }),
    );
  });

  it("100 redirects in a row are enough; another verb between them starts the count anew", () => {
    const document = parseTwiml("<Response><Redirect>a</Redirect></Response>");
    let current = startProgram(document, URL_);
    for (let i = 0; i < 100; i++) current = startProgram(document, URL_, advance(current, { kind: "done" }).program);
    expect(() => advance(current, { kind: "done" })).toThrowError(expect.objectContaining({ alertCode: 11215 }));
    const other = parseTwiml("<Response><Pause/><Redirect>a</Redirect></Response>");
    const after = advance(startProgram(other, URL_, current), { kind: "done" });
    expect(after.program.redirects).toBe(0);
  });
});
