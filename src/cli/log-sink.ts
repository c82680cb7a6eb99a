/** Where log lines go: pino, as JSON for machines or as plain lines for a terminal. */

import { pino } from "pino";
import type { LogConfig } from "../base/gateway-config.ts";
import type { Log, LogFields } from "../base/log.ts";

/** What pino writes to. */
export interface LineSink {
  write(line: string): void;
}

export function createLog(config: LogConfig, sink: LineSink = process.stderr): Log {
  const stream = config.format === "json" ? sink : { write: (line: string) => sink.write(`${prettyLine(line)}\n`) };
  return wrap(
    pino(
      {
        level: config.level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (level) => ({ level }) },
      },
      stream,
    ),
  );
}

function wrap(logger: pino.Logger): Log {
  const write =
    (level: "debug" | "info" | "warn" | "error") =>
    (message: string, fields: LogFields = {}): void =>
      logger[level](fields, message);
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => wrap(logger.child(fields)),
  };
}

/** `08:01:02.345 WARN  text key=value`; values stay JSON, so that nothing from a peer can fake a line. */
function prettyLine(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const clock = String(time).slice(11, 23);
  const text = JSON.stringify(String(msg)).slice(1, -1).replaceAll('\\"', '"');
  return [clock, String(level).toUpperCase().padEnd(5), text, ...rest].join(" ");
}
