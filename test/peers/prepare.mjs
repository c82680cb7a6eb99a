// Makes what the end-to-end tests need: the peer programs (Debian packages) and the audio fixtures.
// Run by `npm test`; does nothing when all is there.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const fixtures = join(here, "..", ".fixtures");
const NEEDED = [
  ...["sipp", "baresip", "kamailio", "rtpengine", "janus", "linphonec"],
  ...["sox", "espeak-ng", "tshark", "tcpdump", "ffmpeg", "openssl"],
];

const has = (command) => spawnSync("sh", ["-c", `PATH=$PATH:/usr/sbin:/sbin command -v ${command}`]).status === 0;
const missing = NEEDED.filter((command) => !has(command));
if (missing.length > 0) {
  if (process.getuid?.() !== 0 || !has("apt-get")) {
    console.error(`The end-to-end tests need ${missing.join(", ")}.`);
    console.error("Install them (on Debian 12: run test/peers/install-peers.sh as root) and try again.");
    process.exit(1);
  }
  console.log(`installing test peers: ${missing.join(", ")} …`);
  execFileSync("sh", [join(here, "install-peers.sh")], { stdio: ["ignore", "ignore", "inherit"] });
}
// The libsrtp peer is compiled by the tests that ask it; without it they say that they are skipped.
const canCompileLibsrtp = () =>
  spawnSync("cc", ["-fsyntax-only", "-x", "c", "-"], { input: "#include <srtp2/srtp.h>\n" }).status === 0;
if (!canCompileLibsrtp() && process.getuid?.() === 0 && has("apt-get")) {
  console.log("installing gcc and libsrtp2-dev …");
  execFileSync("sh", [join(here, "install-peers.sh")], { stdio: ["ignore", "ignore", "inherit"] });
}
if (!existsSync(join(fixtures, "srtp32.pcap")) || !existsSync(join(fixtures, "callee-talk.wav"))) {
  mkdirSync(fixtures, { recursive: true });
  console.log("making audio fixtures …");
  execFileSync("sh", [join(here, "media", "make-fixtures.sh"), fixtures], { stdio: ["ignore", "ignore", "inherit"] });
}
