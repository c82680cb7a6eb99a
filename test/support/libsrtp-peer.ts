/** libsrtp as a peer (test/peers/libsrtp/exchange.c), compiled when the compiler and the library are there. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

const source = resolve(import.meta.dirname, "../peers/libsrtp/exchange.c");
const folder = resolve(import.meta.dirname, "../../build/peers");
const program = join(folder, "libsrtp-exchange");

export type Request = readonly [operation: "P" | "U" | "p" | "u", packet: Uint8Array];
/** The packet, or undefined when libsrtp refused it. */
export type Answer = Buffer | undefined;

/** Compiles the peer; returns undefined, or why it cannot be had here. */
export function prepareLibsrtp(): string | undefined {
  const built = statSync(program, { throwIfNoEntry: false });
  if (built !== undefined && built.mtimeMs > statSync(source).mtimeMs) return undefined;
  if (spawnSync("cc", ["--version"]).error) return "no C compiler (cc)";
  const probe = spawnSync("cc", ["-fsyntax-only", "-x", "c", "-"], { input: "#include <srtp2/srtp.h>\n" });
  if (probe.status !== 0) return "no <srtp2/srtp.h> (Debian package libsrtp2-dev)";
  mkdirSync(folder, { recursive: true });
  execFileSync("cc", ["-O2", "-Wall", source, "-o", program, "-lsrtp2"]);
  return undefined;
}

/** Gives libsrtp all requests, in order, in one session pair. */
export function askLibsrtp(keySalt: Uint8Array, tagBytes: number, requests: readonly Request[]): Answer[] {
  const input = Buffer.concat(
    requests.flatMap(([operation, packet]) => {
      const head = Buffer.from([operation.charCodeAt(0), packet.length >> 8, packet.length & 255]);
      return [head, packet];
    }),
  );
  const args = [Buffer.from(keySalt).toString("hex"), String(tagBytes)];
  const output = execFileSync(program, args, { input, maxBuffer: 2 * input.length + (1 << 20) });
  const answers: Answer[] = [];
  for (let at = 0; at < output.length; ) {
    const length = output.readUInt16BE(at + 1);
    answers.push(output[at] === 0 ? output.subarray(at + 3, at + 3 + length) : undefined);
    at += 3 + length;
  }
  if (answers.length !== requests.length) throw new Error(`${answers.length} answers to ${requests.length} requests`);
  return answers;
}
