/**
 * Looks at each answer twice: as the classes of the unmodified `twilio` client have it, and as it was on the wire. The client makes up
 * what is missing (a date that is absent becomes now, a property undefined), so that neither alone would tell.
 */
import twilio from "twilio";
import { expect } from "vitest";

type Client = ReturnType<typeof twilio>;
type RequestOptions = Parameters<twilio.RequestClient["request"]>[0];

interface Wire {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** The client's own HTTP client, which remembers the last answer and takes every product to one place. */
class Observed extends twilio.RequestClient {
  last: Wire | undefined;
  readonly #url: URL;

  constructor(url: string) {
    super();
    this.#url = new URL(url);
  }

  override async request<T>(options: RequestOptions) {
    const uri = new URL(options.uri);
    uri.protocol = this.#url.protocol;
    uri.host = this.#url.host;
    const answer = await super.request<T>({ ...options, uri: uri.href } as never);
    this.last = { status: answer.statusCode, body: answer.body as Record<string, unknown> };
    return answer;
  }
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export class WholeAnswers {
  readonly client: Client;
  readonly #http: Observed;
  /** Class of the client → how many answers of it were looked at. */
  readonly seen = new Map<string, number>();

  constructor(url: string, accountSid: string, token: string) {
    this.#http = new Observed(url);
    this.client = twilio(accountSid, token, { httpClient: this.#http });
  }

  /** One resource that was made (201), or fetched or changed (200). */
  async one<T extends object>(asked: Promise<T>, status = 200): Promise<T> {
    const instance = await asked;
    expect(this.#http.last!.status).toBe(status);
    this.#look(instance, this.#http.last!.body);
    return instance;
  }

  made<T extends object>(asked: Promise<T>): Promise<T> {
    return this.one(asked, 201);
  }

  /** A list of one page, under its key. */
  async list<T extends object>(asked: Promise<T[]>, key: string): Promise<T[]> {
    const instances = await asked;
    const { body } = this.#http.last!;
    const rows = body[key] as Record<string, unknown>[];
    expect(rows, key).toHaveLength(instances.length);
    for (const [index, instance] of instances.entries()) this.#look(instance, rows[index]!);
    return instances;
  }

  async gone(asked: Promise<boolean>): Promise<void> {
    expect(await asked).toBe(true);
    expect(this.#http.last!.status).toBe(204);
  }

  #look(instance: object, wire: Record<string, unknown>): void {
    const kind = instance.constructor.name;
    this.seen.set(kind, (this.seen.get(kind) ?? 0) + 1);
    for (const [name, value] of Object.entries(instance)) {
      if (name.startsWith("_")) continue;
      const at = `${kind}.${name}`;
      expect(Object.keys(wire), at).toContain(snake(name));
      expect(value, at).not.toBeUndefined();
      if (value instanceof Date) expect(value.getTime(), at).not.toBeNaN();
      if (typeof value === "number") expect(value, at).not.toBeNaN();
      if (name.startsWith("date")) expect(value, at).toBeInstanceOf(Date);
      if (/[uU]rl$/.test(name) && value !== null) expect(String(value), at).toMatch(/^(https?|sips?):/);
      if (name === "uri") expect(value, at).toMatch(/^\/2010-04-01\/.+\.json$/);
      if (name === "links") for (const link of Object.values(value)) expect(link, at).toMatch(/^https?:\/\//);
      if (name === "subresourceUris")
        for (const uri of Object.values(value)) expect(uri, at).toMatch(/^\/2010-04-01\/.+\.json$/);
      if (/^(sid|.*Sid)$/.test(name) && value !== null) expect(value, at).toMatch(/^[A-Z]{2}[0-9a-f]{32}$/);
    }
  }
}
