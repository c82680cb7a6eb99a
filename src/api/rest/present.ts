/** Dates, lists and URLs as the two families of resources show them (trunking-rest.md 1, 2). */

import type { Page } from "./paging.ts";

/** `2015-07-20T17:27:10Z`: v1 and v2. */
export function isoDate(date: string): string {
  return date.replace(/\.\d+Z$/, "Z");
}

/** `Mon, 20 Jul 2015 17:27:10 +0000` (RFC 2822): 2010-04-01. */
export function rfc2822Date(date: string): string {
  return new Date(date).toUTCString().replace("GMT", "+0000");
}

/** A list of v1: absolute URLs in `meta`. */
export function metaList<T>(key: string, url: string, page: Page<T>, show: (row: T) => object): object {
  const { request } = page;
  return {
    meta: {
      page: request.number,
      page_size: request.size,
      first_page_url: `${url}?${page.firstQuery}`,
      previous_page_url: page.previousQuery === null ? null : `${url}?${page.previousQuery}`,
      url: `${url}?${page.query}`,
      next_page_url: page.nextQuery === null ? null : `${url}?${page.nextQuery}`,
      key,
    },
    [key]: page.rows.map(show),
  };
}

/** A list of 2010-04-01: relative URIs beside the rows. */
export function uriList<T>(key: string, uri: string, page: Page<T>, show: (row: T) => object): object {
  const { request, rows } = page;
  const start = request.number * request.size;
  return {
    [key]: rows.map(show),
    page: request.number,
    page_size: request.size,
    start: rows.length === 0 ? 0 : start,
    end: rows.length === 0 ? 0 : start + rows.length - 1,
    uri: `${uri}?${page.query}`,
    first_page_uri: `${uri}?${page.firstQuery}`,
    next_page_uri: page.nextQuery === null ? null : `${uri}?${page.nextQuery}`,
    previous_page_uri: page.previousQuery === null ? null : `${uri}?${page.previousQuery}`,
  };
}

/** `null` for a name that was never given. */
export function orNull(text: string): string | null {
  return text === "" ? null : text;
}

/** `(415) 555-0100` for the numbers of North America, others as they are. */
export function formattedNumber(number: string): string {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  return parts === null ? number : `(${parts[1]}) ${parts[2]}-${parts[3]}`;
}
