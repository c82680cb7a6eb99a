/** Where requests in a dialog go (SIP-DLG-6, RFC 3261 12.2.1.1). Loopback has no public addresses, so nothing is sent here. */
import { describe, expect, it } from "vitest";
import type { SipCore } from "../../../src/sip/dialog/core.ts";
import { prepareInDialog } from "../../../src/sip/dialog/next-flow.ts";
import type { Flow, SipRequest } from "../../../src/sip/message.ts";
import { parseUri } from "../../../src/sip/uri.ts";

const REQUEST = {} as SipRequest;

/** `flow`: where the last request came from; `contact`: what its Contact is asked for, where that is asked. */
async function wayTo(
  contact: string,
  changes: { from?: string; transport?: Flow["transport"]; symmetric?: boolean; isOpen?: boolean } = {},
): Promise<"flow" | "contact"> {
  const { from = "8.8.8.8", transport = "udp", symmetric = true, isOpen = true } = changes;
  const flow: Flow = {
    transport,
    remoteAddress: from,
    remotePort: 40_000,
    localAddress: "9.9.9.9",
    localPort: 5060,
    connectionId: transport === "udp" ? undefined : 7,
  };
  const asked = new Error("asked");
  const core = {
    symmetric,
    transports: { isOpen: () => isOpen },
    locator: {
      locate: () => {
        throw asked;
      },
    },
  } as unknown as SipCore;
  try {
    const prepared = await prepareInDialog(
      core,
      { nextHop: parseUri(`sip:pbx@${contact}:5062`), flow, tlsVerify: true },
      () => REQUEST,
    );
    expect(prepared).toEqual({ request: REQUEST, flow });
    return "flow";
  } catch (error) {
    expect(error).toBe(asked);
    return "contact";
  }
}

describe("SIP-DLG-6 symmetric signalling", () => {
  it.each(["10.1.2.3", "172.16.0.9", "192.168.0.2", "100.64.0.1", "169.254.1.1", "127.0.0.1", "[fd00::1]"])(
    "a private Contact %s behind a public address is reached where it sent from",
    async (contact) => {
      expect(await wayTo(contact)).toBe("flow");
    },
  );

  it("a Contact that is public, the same, a name, or private like the source is believed", async () => {
    expect(await wayTo("8.8.4.4")).toBe("contact");
    expect(await wayTo("8.8.8.8")).toBe("contact");
    expect(await wayTo("pbx.example.com")).toBe("contact");
    expect(await wayTo("10.1.2.3", { from: "10.9.9.9" })).toBe("contact");
  });

  it("the setting switches it off", async () => {
    expect(await wayTo("10.1.2.3", { symmetric: false })).toBe("contact");
  });

  it("a connection is used on while it is there, whatever the Contact says", async () => {
    expect(await wayTo("8.8.4.4", { transport: "tcp" })).toBe("flow");
    expect(await wayTo("8.8.4.4", { transport: "tls", symmetric: false })).toBe("flow");
    expect(await wayTo("10.1.2.3", { transport: "tcp", isOpen: false })).toBe("contact");
  });
});
