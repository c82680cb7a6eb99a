/**
 * The end-to-end tests, as root on Linux in network namespaces of their own: peers such as linphonec choose addresses by the
 * interfaces that they find, and ports that other programs have do not matter there. These tests mostly wait for speech to be
 * over, so two halves of them run side by side, each in its namespace. Elsewhere they run as they are, one file after the other.
 */
import { spawn, spawnSync } from "node:child_process";

const chosen = process.argv.slice(2);
const inNamespace = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

function vitest(...more) {
  const files = chosen.length > 0 ? chosen : ["test/e2e"];
  return [process.execPath, "node_modules/vitest/vitest.mjs", "run", ...files, "--no-file-parallelism", ...more];
}

function canUnshare() {
  if (process.platform !== "linux") return false;
  const { status, error } = spawnSync(inNamespace[0], [...inNamespace.slice(1), "true"], { stdio: "ignore" });
  return error === undefined && status === 0;
}

/** Resolves with the exit code, 1 for a signal. What a half says that is not shown at once is shown behind. */
function run([command, ...args], isShown) {
  const child = spawn(command, args, { stdio: isShown ? "inherit" : ["ignore", "pipe", "pipe"] });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (octets) => said.push(octets));
  return new Promise((done) => {
    child.on("error", (error) => done({ code: 1, said: [...said, Buffer.from(`${error.message}\n`)] }));
    child.on("close", (code) => done({ code: code ?? 1, said }));
  });
}

const halves = chosen.length > 0 ? [[]] : [["--shard=1/2"], ["--shard=2/2"]];
const commands = canUnshare() ? halves.map((half) => [...inNamespace, ...vitest(...half)]) : [vitest()];
const results = await Promise.all(commands.map((command, index) => run(command, index === 0)));
for (const { said } of results) for (const octets of said) process.stdout.write(octets);
process.exitCode = results.every(({ code }) => code === 0) ? 0 : 1;
