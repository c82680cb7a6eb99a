/** Cookies of one call, sent back like a browser does (twiml.md 3.5). Bounded; lives as long as the call. */

const COOKIES_MAX = 50;
const COOKIE_LENGTH_MAX = 4096;

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly host: string;
  readonly path: string;
  readonly secure: boolean;
}

export class CookieJar {
  readonly #cookies = new Map<string, Cookie>();

  /** Takes the Set-Cookie lines of an answer. */
  store(url: URL, lines: readonly string[]): void {
    for (const line of lines) {
      if (line.length > COOKIE_LENGTH_MAX) continue;
      const [pair, ...attributes] = line.split(";");
      const equals = pair!.indexOf("=");
      if (equals <= 0) continue;
      const name = pair!.slice(0, equals).trim();
      const value = pair!.slice(equals + 1).trim();
      const found = new Map(
        attributes.map((attribute) => {
          const at = attribute.indexOf("=");
          return [
            (at < 0 ? attribute : attribute.slice(0, at)).trim().toLowerCase(),
            at < 0 ? "" : attribute.slice(at + 1).trim(),
          ];
        }),
      );
      const path = found.get("path")?.startsWith("/") === true ? found.get("path")! : "/";
      const key = `${url.hostname} ${path} ${name}`;
      if (found.get("max-age") === "0" || value === "") this.#cookies.delete(key);
      else if (this.#cookies.size < COOKIES_MAX || this.#cookies.has(key))
        this.#cookies.set(key, { name, value, host: url.hostname, path, secure: found.has("secure") });
    }
  }

  /** Value of the Cookie header, "" for none. Only the host that set a cookie gets it. */
  header(url: URL): string {
    return [...this.#cookies.values()]
      .filter(
        (one) =>
          one.host === url.hostname && url.pathname.startsWith(one.path) && (!one.secure || url.protocol === "https:"),
      )
      .map((one) => `${one.name}=${one.value}`)
      .join("; ");
  }
}
