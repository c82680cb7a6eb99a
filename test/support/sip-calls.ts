/** Many short calls between two stacks over real sockets with a clock that is moved by hand; nothing may be left of them. */
import type { SipTransportName } from "../../src/sip/message.ts";
import { parseNameAddr } from "../../src/sip/name-addr.ts";
import { parseUri } from "../../src/sip/uri.ts";
import { ManualClock } from "./manual-clock.ts";
import { reached, startStack, type TestStack } from "./sip-wire.ts";

/** How the calls of one batch go, in turn. */
const KINDS = ["answered", "rejected", "cancelled", "hung up by the callee"] as const;
const LONG_MS = 70_000;

export class CallPair {
  readonly clock = new ManualClock();
  #caller: TestStack | undefined;
  #callee: TestStack | undefined;
  readonly #transport: SipTransportName;
  finished = 0;

  constructor(transport: SipTransportName) {
    this.#transport = transport;
  }

  async start(): Promise<void> {
    this.#caller = await startStack({ clock: this.clock });
    this.#callee = await startStack({ clock: this.clock });
    this.#callee.stack.onInvite = (invite) => {
      const kind = invite.request.uri.user ?? "";
      invite.progress(180);
      if (kind === "rejected") invite.reject(486);
      else if (kind === "answered") invite.accept({});
      else if (kind.startsWith("hung")) {
        const dialog = invite.accept({});
        dialog.onAck = () => dialog.bye();
      }
    };
  }

  /** Makes that many calls at one time, waits for their ends, then lets all timers run out. */
  async batch(count: number): Promise<void> {
    const port = this.#callee!.port(this.#transport === "udp" ? "udp" : "tcp");
    const untilFinished = this.finished + count;
    for (let number = 0; number < count; number++) {
      const kind = KINDS[number % KINDS.length]!;
      const user = kind.split(" ")[0]!;
      const invite = this.#caller!.stack.invite({
        uri: parseUri(`sip:${user}@127.0.0.1:${port};transport=${this.#transport}`),
        from: parseNameAddr("<sip:caller@127.0.0.1>"),
        to: parseNameAddr(`<sip:${user}@127.0.0.1>`),
        body: { contentType: "application/sdp", content: "v=0\r\n" },
      });
      invite.onProgress = () => {
        if (kind === "cancelled") invite.cancel();
      };
      invite.onAccepted = (_response, dialog) => {
        dialog.onEnded = () => this.finished++;
        if (kind !== "answered") return;
        dialog.bye();
        this.finished++;
      };
      invite.onRejected = () => this.finished++;
      invite.onFailed = (error) => {
        throw error;
      };
    }
    await reached(() => this.finished === untilFinished, `${count} calls`);
    // What is still on its way arrives before time goes on.
    await reached(() => this.#callee!.stack.activeDialogs === 0, "the BYEs");
    for (let turn = 0; turn < 5; turn++) await new Promise<void>((done) => setImmediate(done));
    this.#caller!.sent.length = 0;
    this.#callee!.sent.length = 0;
    this.clock.advance(LONG_MS);
  }

  /** What is there that should not be. */
  get left(): { transactions: number; dialogs: number } {
    const both = [this.#caller!.stack, this.#callee!.stack];
    return {
      transactions: both.reduce((sum, stack) => sum + stack.activeTransactions, 0),
      dialogs: both.reduce((sum, stack) => sum + stack.activeDialogs, 0),
    };
  }

  async stop(): Promise<void> {
    await this.#caller?.stop();
    await this.#callee?.stop();
  }
}
