/** Every state × event of the four machines (RFC 3261 §17, RFC 6026). What the tables leave out is listed as ignored. */
import { describe, expect, it } from "vitest";
import { type MachineTable, step } from "../../../src/base/machine.ts";
import { INVITE_CLIENT, INVITE_CLIENT_TIMERS } from "../../../src/sip/transaction/invite-client.ts";
import { INVITE_SERVER, INVITE_SERVER_TIMERS } from "../../../src/sip/transaction/invite-server.ts";
import { NON_INVITE_CLIENT, NON_INVITE_CLIENT_TIMERS } from "../../../src/sip/transaction/non-invite-client.ts";
import { NON_INVITE_SERVER, NON_INVITE_SERVER_TIMERS } from "../../../src/sip/transaction/non-invite-server.ts";

/** state → event → "next: actions"; an event that is missing is ignored in that state. */
type Rows = Readonly<Record<string, Readonly<Record<string, string>>>>;

const MACHINES: readonly {
  name: string;
  table: object;
  timers: Readonly<Record<string, readonly string[]>>;
  events: string[];
  rows: Rows;
  runs: Record<string, string[]>;
}[] = [
  {
    name: "RFC 3261 17.1.1 figure 5, RFC 6026 7.2 INVITE client",
    table: INVITE_CLIENT,
    timers: INVITE_CLIENT_TIMERS,
    events: ["1xx", "2xx", "300-699", "timer A", "timer B", "timer D", "timer M", "transport error"],
    rows: {
      calling: {
        "1xx": "proceeding: deliver",
        "2xx": "accepted: deliver",
        "300-699": "completed: send ACK, deliver",
        "timer A": "calling: send request",
        "timer B": "terminated: report timeout",
        "transport error": "terminated: report transport error",
      },
      proceeding: {
        "1xx": "proceeding: deliver",
        "2xx": "accepted: deliver",
        "300-699": "completed: send ACK, deliver",
        // Ours: a connection that dies while it rings will bring no answer (SIP-TXN-11).
        "transport error": "terminated: report transport error",
      },
      completed: {
        "300-699": "completed: send ACK",
        "timer D": "terminated:",
        "transport error": "terminated:",
      },
      accepted: { "2xx": "accepted: deliver", "timer M": "terminated:" },
      terminated: {},
    },
    runs: { calling: ["A", "B"], proceeding: [], completed: ["D"], accepted: ["M"], terminated: [] },
  },
  {
    name: "RFC 3261 17.1.2 figure 6 non-INVITE client",
    table: NON_INVITE_CLIENT,
    timers: NON_INVITE_CLIENT_TIMERS,
    events: ["1xx", "200-699", "timer E", "timer F", "timer K", "transport error"],
    rows: {
      trying: {
        "1xx": "proceeding: deliver",
        "200-699": "completed: deliver",
        "timer E": "trying: send request",
        "timer F": "terminated: report timeout",
        "transport error": "terminated: report transport error",
      },
      proceeding: {
        "1xx": "proceeding: deliver",
        "200-699": "completed: deliver",
        "timer E": "proceeding: send request",
        "timer F": "terminated: report timeout",
        "transport error": "terminated: report transport error",
      },
      completed: { "timer K": "terminated:" },
      terminated: {},
    },
    runs: { trying: ["E", "F"], proceeding: ["E", "F"], completed: ["K"], terminated: [] },
  },
  {
    name: "RFC 3261 17.2.1 figure 7, RFC 6026 7.1 INVITE server",
    table: INVITE_SERVER,
    timers: INVITE_SERVER_TIMERS,
    events: [
      "INVITE",
      "ACK",
      "send 1xx",
      "send 2xx",
      "send 300-699",
      "timer G",
      "timer H",
      "timer I",
      "timer L",
      "transport error",
    ],
    rows: {
      proceeding: {
        INVITE: "proceeding: repeat response",
        "send 1xx": "proceeding: send response",
        "send 2xx": "accepted: send response",
        "send 300-699": "completed: send response",
        "transport error": "proceeding: report transport error",
      },
      completed: {
        INVITE: "completed: repeat response",
        ACK: "confirmed:",
        "timer G": "completed: repeat unasked",
        "timer H": "terminated: report no ACK",
        "transport error": "completed: report transport error",
      },
      confirmed: { "timer I": "terminated:" },
      accepted: {
        "send 2xx": "accepted: send response",
        ACK: "accepted: deliver ACK",
        "timer L": "terminated:",
        "transport error": "accepted: report transport error",
      },
      terminated: {},
    },
    runs: { proceeding: [], completed: ["G", "H"], confirmed: ["I"], accepted: ["L"], terminated: [] },
  },
  {
    name: "RFC 3261 17.2.2 figure 8, RFC 4320 non-INVITE server",
    table: NON_INVITE_SERVER,
    timers: NON_INVITE_SERVER_TIMERS,
    events: ["request", "send 1xx", "send 200-699", "timer J", "transport error"],
    rows: {
      trying: { "send 1xx": "proceeding: send response", "send 200-699": "completed: send response" },
      proceeding: {
        request: "proceeding: repeat response",
        "send 1xx": "proceeding: send response",
        "send 200-699": "completed: send response",
        "transport error": "proceeding: report transport error",
      },
      completed: {
        request: "completed: repeat response",
        "timer J": "terminated:",
        "transport error": "completed: report transport error",
      },
      terminated: {},
    },
    runs: { trying: [], proceeding: [], completed: ["J"], terminated: [] },
  },
];

describe.each(MACHINES)("$name", ({ table, timers, events, rows, runs }) => {
  const machine = table as MachineTable<string, string, string>;
  const cases = Object.keys(rows).flatMap((state) =>
    events.map((event) => ({ state, event, wanted: rows[state]![event] ?? "ignored" })),
  );

  it.each(cases)("$state × $event → $wanted", ({ state, event, wanted }) => {
    const row = step(machine, state, event);
    expect(row === undefined ? "ignored" : `${row.next}: ${row.actions.join(", ")}`.trim()).toBe(wanted);
  });

  it("has no state, event or timer besides these", () => {
    expect(Object.keys(machine).sort()).toEqual(Object.keys(rows).sort());
    const named = Object.values(machine).flatMap((row) => Object.keys(row));
    expect(named.filter((event) => !events.includes(event))).toEqual([]);
    expect(timers).toEqual(runs);
  });

  it("hears every timer that runs in a state", () => {
    for (const [state, names] of Object.entries(timers))
      for (const name of names) expect(step(machine, state, `timer ${name}`), `${state}: timer ${name}`).toBeDefined();
  });
});
