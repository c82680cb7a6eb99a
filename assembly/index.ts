/** The exported surface of the media core, and nothing else. */

export * from "./abi";
export * from "./exports/audio";
export * from "./exports/engine";
export * from "./exports/srtp";
