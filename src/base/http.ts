/** The two methods of webhooks and callbacks. */
export type HttpMethod = "GET" | "POST";
