/** Routing and listing with a full store: what one INVITE costs until it is known where it goes, and one page of a long list. */
import type { Row, Suite } from "../harness/suite.ts";
import { ABOUT } from "./routing/fixture.ts";
import { listPage, originationDecision, terminationDecision } from "./routing/tandem.ts";

const rows: Row[] = [
  {
    name: "routing/termination-decision",
    unit: "ns/INVITE",
    about: `a parsed INVITE to its planned first target: domain, all ranges, caller id, limits, carrier, order; ${ABOUT}; no peer`,
    ours: terminationDecision,
    peers: {},
  },
  {
    name: "routing/origination-decision",
    unit: "ns/INVITE",
    about: `a dialled number to its trunk's planned first target; ${ABOUT}; no peer`,
    ours: originationDecision,
    peers: {},
  },
  {
    name: "routing/list-page",
    unit: "ns/page",
    about: `50 of the 100,000 numbers of one account, from one page to the next; no peer`,
    ours: listPage,
    peers: {},
  },
];

export const suite: Suite = { name: "routing", rows };
