/**
 * An Active is dead when every family is silent; one that is silent alone is an alarm: the way of that family is broken,
 * and its addresses are served, perhaps, where nobody can reach them. PURE
 */
import type { Family } from '../base/ip.ts';
import { after, type Micros } from '../base/time.ts';

/** Which families of the Active are silent while another is not. PURE */
export class FamilySilence {
  readonly #heardAt = new Map<Family, Micros>();
  readonly #silent = new Set<Family>();
  /** From then on nobody is heard over any family: no way to speak of. */
  #nobodyAt: Micros | undefined;

  /** In the order in which they fell silent. */
  silentAt(now: Micros): readonly Family[] {
    return this.#isNobody(now) ? [] : [...this.#silent];
  }

  #isNobody(now: Micros): boolean {
    return this.#nobodyAt === undefined || now >= this.#nobodyAt;
  }

  /**
   * @param families of the instance
   * @param activeDownInterval an Active that is not heard over a family for so long is not there
   * @returns the family that this advertisement shows to be silent, or to be heard again
   */
  heard(
    family: Family,
    families: readonly Family[],
    activeDownInterval: Micros,
    now: Micros,
  ): { readonly family: Family; readonly silent: boolean } | undefined {
    // After a silence of all of them everyone may speak again first.
    if (this.#isNobody(now)) {
      this.#silent.clear();
      for (const other of families) this.#heardAt.set(other, now);
    }
    this.#nobodyAt = after(now, activeDownInterval);
    this.#heardAt.set(family, now);
    if (this.#silent.delete(family)) return { family, silent: false };
    const lost = families.find(
      (other) => !this.#silent.has(other) && now - (this.#heardAt.get(other) ?? now) >= activeDownInterval,
    );
    if (lost === undefined) return undefined;
    this.#silent.add(lost);
    return { family: lost, silent: true };
  }
}
