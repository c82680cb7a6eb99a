/**
 * The E-model (ITU-T G.107): from packet loss and delay to a rating R and a mean opinion score. All parameters that a
 * gateway cannot measure have the default values of the recommendation's table 3, so that R without any impairment is
 * 93.2 and the score 4.41: no narrow-band call is better. Rarely computed, when somebody looks.
 */

/** What a gateway knows of one direction of a call. */
export interface Transmission {
  /** Absolute delay Ta from mouth to ear, ms. */
  readonly delayMs: number;
  /** Ppl: packets that were not played, percent. */
  readonly lossPercent: number;
  /** BurstR: 1 for random loss, more for bursts. */
  readonly burstRatio: number;
  /** Ie and Bpl of the codec (ITU-T G.113 appendix I). */
  readonly equipmentImpairment: number;
  readonly lossRobustness: number;
}

/** G.711 with concealment, packets of 10 ms (ITU-T G.113 table I.4): Ie 0, Bpl 25.1. Without concealment Bpl is 4.3. */
export const G711_EQUIPMENT_IMPAIRMENT = 0;
export const G711_LOSS_ROBUSTNESS = 25.1;
export const G711_LOSS_ROBUSTNESS_BARE = 4.3;

// Defaults of table 3: loudness ratings, sidetone, telephone and room noise, echo paths, quantising distortion units.
const SLR = 8;
const RLR = 2;
const STMR = 15;
const LSTR = 18;
const DS = 3;
const TELR = 65;
const WEPL = 110;
const QDU = 1;
const NC = -70;
const NFOR = -64;
const PS = 35;
const PR = 35;
const OLR = SLR + RLR;

const power = (decibels: number): number => 10 ** (decibels / 10);

/** No: all noise referred to the 0 dBr point (7-3 to 7-7). */
const NOISE = (() => {
  const nos = PS - SLR - DS - 100 + 0.004 * (PS - OLR - DS - 14) ** 2;
  const pre = PR + 10 * Math.log10(1 + power(10 - LSTR));
  const nor = RLR - 121 + pre + 0.008 * (pre - 35) ** 2;
  return 10 * Math.log10(power(NC) + power(nos) + power(nor) + power(NFOR + RLR));
})();

/** Ro: signal to noise (7-2). */
const RO = 15 - 1.5 * (SLR + NOISE);

/** Is: too loud a connection, sidetone, quantising (7-8 to 7-17); `delayMs` as T enters the sidetone. */
function simultaneousImpairment(delayMs: number): number {
  const xolr = OLR + 0.2 * (64 + NOISE - RLR);
  const iolr = 20 * ((1 + (xolr / 8) ** 8) ** (1 / 8) - xolr / 8);
  const stmro = -10 * Math.log10(power(-STMR) + Math.exp(-delayMs / 4) * power(-TELR));
  const ist =
    12 * (1 + ((stmro - 13) / 6) ** 8) ** (1 / 8) -
    28 * (1 + ((stmro + 1) / 19.4) ** 35) ** (1 / 35) -
    13 * (1 + ((stmro - 3) / 33) ** 13) ** (1 / 13) +
    29;
  const q = 37 - 15 * Math.log10(QDU);
  const g = 1.07 + 0.258 * q + 0.0602 * q ** 2;
  const y = (RO - 100) / 15 + 46 / 8.4 - g / 9;
  const z = 46 / 30 - g / 40;
  const iq = 15 * Math.log10(1 + 10 ** y + 10 ** z);
  return iolr + ist + iq;
}

/** Id: talker echo, listener echo, and delay itself (7-18 to 7-28). Echo paths are as long as the delay. */
function delayImpairment(delayMs: number): number {
  const roe = -1.5 * (NOISE - RLR);
  const terv = TELR - 40 * Math.log10((1 + delayMs / 10) / (1 + delayMs / 150)) + 6 * Math.exp(-0.3 * delayMs ** 2);
  const re = 80 + 2.5 * (terv - 14);
  const half = (roe - re) / 2;
  const idte = (half + Math.sqrt(half ** 2 + 100) - 1) * (1 - Math.exp(-delayMs));
  const rle = 10.5 * (WEPL + 7) * (2 * delayMs + 1) ** -0.25;
  const quarter = (RO - rle) / 2;
  const idle = quarter + Math.sqrt(quarter ** 2 + 169);
  return idte + idle + pureDelayImpairment(delayMs);
}

function pureDelayImpairment(delayMs: number): number {
  if (delayMs <= 100) return 0;
  const x = Math.log2(delayMs / 100);
  return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2);
}

/** Rating R (7-1), 0 to 93.2 with these defaults. */
export function rating(transmission: Transmission): number {
  const { delayMs, lossPercent, burstRatio, equipmentImpairment, lossRobustness } = transmission;
  const effective =
    equipmentImpairment +
    ((95 - equipmentImpairment) * lossPercent) / (lossPercent / Math.max(1, burstRatio) + lossRobustness);
  const delay = Math.max(0, delayMs);
  return Math.max(0, RO - simultaneousImpairment(delay) - delayImpairment(delay) - effective);
}

/** Mean opinion score of a rating (annex B), 1 to 4.5. */
export function meanOpinionScore(r: number): number {
  if (r <= 0) return 1;
  if (r >= 100) return 4.5;
  return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}
