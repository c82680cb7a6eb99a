/** Processor time of this process in ms: what others on the machine do does not count, so that no test fails by it. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
