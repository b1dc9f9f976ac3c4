import { existsSync, readFileSync } from 'node:fs';
import type { z } from 'zod';
import { UsageError } from '../usage-error.ts';
import { type Config, configShape, parseConfig } from './config-schema.ts';
import { type ConfigValue, readEnvironment } from './environment.ts';

export interface LoadConfigOptions {
  /** A flag's key and text: the strongest source. */
  readonly flags: readonly ConfigValue[];
  readonly environment: NodeJS.ProcessEnv;
  /** `--config`; without it ./postern.json is read when it exists. */
  readonly file: string | undefined;
}

const defaultFile = 'postern.json';
/** What V8 quotes in front of a mistake, at most. */
const contextCharacters = 10;

/** Reads flags, environment and file, in this order of strength. Throws UsageError naming the place and the key. */
export function loadConfig(options: LoadConfigOptions): Config {
  const { environment } = options;
  const file = options.file ?? environment.POSTERN_CONFIG ?? (existsSync(defaultFile) ? defaultFile : undefined);
  const raw = file === undefined ? {} : readConfigFile(file);
  const origins = new Map<string, string>();
  const set = ({ path, value, origin }: ConfigValue): void => {
    setAt(raw, path, value);
    origins.set(path.join('.'), origin);
  };
  for (const value of [...readEnvironment(environment), ...options.flags]) set(value);
  // What every hosting platform sets; anything written for us wins over it.
  if (environment.DATABASE_URL && raw.databaseUrl === undefined && raw.endpoints === undefined) {
    set({ path: ['databaseUrl'], value: environment.DATABASE_URL, origin: 'DATABASE_URL' });
  }
  const parsed = parseConfig(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(issue ? explain(issue, origins, file) : 'the configuration is not valid');
}

function readConfigFile(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read the configuration ${file}: ${(error as Error).message}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file} is not valid JSON${mistakeIn(text, (error as Error).message)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`${file}: expected an object`);
  }
  return { ...value };
}

/** Where it is, and not what: the parser's message quotes what stands around it, which may be a password. */
function mistakeIn(text: string, message: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  const quoted = /, (?:\.{3})?"([\s\S]+)"(?:\.{3})? is not valid JSON$/.exec(message)?.[1];
  const quotedAt = quoted === undefined ? text.length : text.indexOf(quoted) + contextCharacters;
  const at = position === undefined ? quotedAt : Number(position);
  return `: look at line ${text.slice(0, at).split('\n').length}`;
}

function setAt(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const inner = target[key];
  const copy: Record<string, unknown> = typeof inner === 'object' && inner !== null ? { ...inner } : {};
  target[key] = copy;
  setAt(copy, rest, value);
}

/** `--http: expected …`, `POSTERN_HTTP: …` or `postern.json: http: …`, whichever the value came from. */
function explain(issue: z.core.$ZodIssue, origins: ReadonlyMap<string, string>, file: string | undefined): string {
  const keys = issue.path.map(String);
  for (let length = keys.length; length > 0; length--) {
    const origin = origins.get(keys.slice(0, length).join('.'));
    if (origin !== undefined) return [origin, keys.slice(length).join('.'), sentence(issue)].filter(Boolean).join(': ');
  }
  const name = keys.join('.');
  // A group with one half set by variable or flag, and the other not at all.
  const sibling = [...origins].find(([key]) => key.startsWith(`${keys[0]}.`));
  if (sibling && file === undefined) return `${sibling[1]} is set, but ${name} is not`;
  return [file ?? 'configuration', name, sentence(issue)].filter(Boolean).join(': ');
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const known = issue.path.length === 0 ? `; known are ${Object.keys(configShape).join(', ')}` : '';
    return `unknown key ${issue.keys.map((key) => `"${key}"`).join(', ')}${known}`;
  }
  return issue.message.replace(/^Invalid (input|option): /, '').replace(/^Too (small|big): /, '');
}
