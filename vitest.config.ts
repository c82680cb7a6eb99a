import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Two cores: a few files at a time, each in a process of its own so that a crash names its file.
    pool: "forks",
    maxWorkers: 2,
    // Scenarios with real peers wait for each other's speech, not for the processor: all of a file run at once.
    maxConcurrency: 16,
    // Only a test that hangs may run into this: a machine may be as slow as it likes.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
