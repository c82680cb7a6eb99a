/** The objects that scenes with SIPp need (test/support/stage.ts): a trunk each, with its carrier and its access list, as YAML. */

export interface SceneOptions {
  /** `termination` (default): a PBX calls the carrier. `origination`: the carrier calls a number of the trunk. */
  readonly direction?: "termination" | "origination";
  /** URIs of the targets in their order, `{0}` `{1}` `{2}` standing for the addresses of the callees; default the first. */
  readonly targets?: readonly string[];
  /** Priority of each target; default 10, 20 and so on. */
  readonly priorities?: readonly number[];
  /** Targets that are switched off. */
  readonly disabled?: readonly number[];
  /** More keys of the trunk and of the BYOC trunk, in the flow style of YAML. */
  readonly trunk?: string;
  readonly carrier?: string;
}

/** Who takes part in a scene. */
export interface SceneParties {
  readonly options: SceneOptions;
  readonly caller: string;
  readonly dialled: string;
  callee(target: number): string;
}

/** Declarations for all scenes: scene n has trunk and domain `sn`, carrier `cn`, policy `pn`. */
export function sceneObjects(scenes: readonly SceneParties[]): string {
  const lists = { acls: [""], policies: [""], byoc: [""], domains: [""], trunks: [""], numbers: [""] };
  for (const [index, scene] of scenes.entries()) {
    const n = index + 1;
    const { direction, targets = ["sip:{0}:5060"], trunk, carrier, priorities, disabled } = scene.options;
    const urls = targets.map((target, at) => {
      const url = target.replace(/\{(\d)\}/g, (_all, which) => scene.callee(Number(which)));
      const priority = priorities?.[at] ?? 10 * (at + 1);
      return `{ name: t${at}, url: "${url}", priority: ${priority}, enabled: ${disabled?.includes(at) !== true} }`;
    });
    const more = (text: string | undefined) => (text === undefined ? "" : `, ${text}`);
    lists.acls.push(`  - { name: a${n}, addresses: [${scene.caller}] }`);
    if (direction === "origination") {
      lists.byoc.push(`  - { name: c${n}${more(carrier)} }`);
      lists.domains.push(`  - { name: s${n}, domain: s${n}, byocTrunk: c${n}, ipAccessControlLists: [a${n}] }`);
      lists.trunks.push(
        `  - { name: t${n}, domain: s${n}, ipAccessControlLists: [a${n}], originationUrls: [${urls}]${more(trunk)} }`,
      );
      lists.numbers.push(`  - { number: "${scene.dialled}", trunk: t${n} }`);
    } else {
      lists.policies.push(`  - { name: p${n}, targets: [${urls}] }`);
      lists.byoc.push(`  - { name: c${n}, connectionPolicy: p${n}${more(carrier)} }`);
      lists.trunks.push(
        `  - { name: t${n}, domain: s${n}, ipAccessControlLists: [a${n}], callerIdPolicy: any, carrierLink: { byocTrunk: c${n} }${more(trunk)} }`,
      );
    }
  }
  const section = (name: string, items: readonly string[]) => (items.length > 1 ? name + items.join("\n") : "");
  return [
    section("ipAccessControlLists:", lists.acls),
    section("connectionPolicies:", lists.policies),
    section("byocTrunks:", lists.byoc),
    section("sipDomains:", lists.domains),
    section("trunks:", lists.trunks),
    section("phoneNumbers:", lists.numbers),
  ].join("\n");
}
