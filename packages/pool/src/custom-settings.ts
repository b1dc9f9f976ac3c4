/**
 * Names of the custom settings one session may have: Postgres lists only those that a loaded module defines, and tells of
 * the others when asked by name.
 */
import { isSeedSetting } from './sql/set-config.ts';
import type { TextFacts } from './text-facts.ts';

const maxNames = 256;

interface CustomSetting {
  /** As the session spelled it first: so Postgres shows it. */
  readonly name: string;
  /** The session has set it, if only to an empty text; otherwise perhaps. */
  readonly isCertain: boolean;
}

export class CustomSettings {
  /** By the folded name, which is what Postgres compares. */
  private names: Map<string, CustomSetting> | undefined;

  /** The session sets it. False: there are too many to ask about. */
  add(name: string): boolean {
    return this.put(name, true);
  }

  /** What runs mentions it. */
  suspect(name: string): void {
    this.put(name, false);
  }

  /**
   * A text sets some; `parameter` tells the value of one by its number, if it is known. Returns what cannot be asked about:
   * names that are not known, or a seed.
   */
  set({ traits, dottedNames }: TextFacts, parameter?: (number: number) => string | undefined): string | undefined {
    if (traits.discardsAll) this.names = undefined;
    for (const name of dottedNames) this.suspect(name);
    const names = [...traits.customSettings];
    let isComplete = !traits.computesSettings;
    for (const number of traits.settingParameters) {
      const name = parameter?.(number);
      if (name === undefined) isComplete = false;
      else if (isSeedSetting(name)) return 'set_config(seed)';
      else if (name.includes('.')) names.push(name);
    }
    for (const name of names) if (!this.add(name)) isComplete = false;
    return isComplete ? undefined : 'settings whose names are not known';
  }

  /** All of them and whether they are certain, to be asked about; what is set meanwhile is for the next time. */
  take(): ReadonlyMap<string, boolean> {
    const { names } = this;
    this.names = undefined;
    return names === undefined ? none : new Map(Array.from(names.values(), (found) => [found.name, found.isCertain]));
  }

  /** What `asked` has come to: those that have a value, or all of them when that is not known. */
  keep(asked: ReadonlyMap<string, boolean>, settings: ReadonlyMap<string, string> | undefined): void {
    for (const [name, isCertain] of asked) if (settings === undefined || settings.has(name)) this.put(name, isCertain);
  }

  private put(name: string, isCertain: boolean): boolean {
    this.names ??= new Map();
    const folded = name.toLowerCase();
    const known = this.names.get(folded);
    if (known === undefined && this.names.size >= maxNames) return false;
    if (known === undefined || (isCertain && !known.isCertain)) this.names.set(folded, { name, isCertain });
    return true;
  }
}

const none: ReadonlyMap<string, boolean> = new Map();
