/**
 * The end-to-end tests, as root on Linux in a network namespace of their own: peers such as linphonec choose addresses by the
 * interfaces that they find, and ports that other programs have do not matter there. Elsewhere they run as they are.
 */
import { spawnSync } from "node:child_process";

const tests = [
  process.execPath,
  "node_modules/vitest/vitest.mjs",
  "run",
  ...(process.argv.length > 2 ? process.argv.slice(2) : ["test/e2e"]),
  "--no-file-parallelism",
];

function run(command, options = {}) {
  const { status, error } = spawnSync(command[0], command.slice(1), { stdio: "inherit", ...options });
  return error === undefined ? (status ?? 1) : 1;
}

const quiet = { stdio: "ignore" };
const inNamespace = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
const isPossible = process.platform === "linux" && run([...inNamespace, "true"], quiet) === 0;
process.exit(run(isPossible ? [...inNamespace, ...tests] : tests));
