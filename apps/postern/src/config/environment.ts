import { z } from 'zod';
import { configShape } from './config-schema.ts';

/** A configuration key and the environment variable that sets it. */
export interface EnvironmentKey {
  /** `['tls', 'cert']` */
  readonly path: readonly string[];
  /** `POSTERN_TLS_CERT` */
  readonly variable: string;
  /** `json`: the variable holds JSON text, as lists and named groups do not fit into one word. */
  readonly form: 'text' | 'number' | 'json';
}

/** Every key that can be set by a variable, derived from the schema. */
export function environmentKeys(
  shape: typeof configShape = configShape,
  parent: readonly string[] = [],
): EnvironmentKey[] {
  return Object.entries(shape).flatMap(([key, field]): EnvironmentKey[] => {
    if (key.startsWith('$')) return [];
    const path = [...parent, key];
    const inner = unwrap(field);
    if (inner instanceof z.ZodObject) return environmentKeys(inner.shape, path);
    return [{ path, variable: variableName(path), form: formOf(inner) }];
  });
}

/** A raw value for one key, and where it was written (a variable, a flag): what errors name. */
export interface ConfigValue {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly origin: string;
}

/** The keys found in an environment. */
export function readEnvironment(environment: NodeJS.ProcessEnv): ConfigValue[] {
  const found: ConfigValue[] = [];
  for (const { path, variable, form } of environmentKeys()) {
    const text = environment[variable];
    if (text !== undefined && text !== '') found.push({ path, value: parse(text, form), origin: variable });
  }
  return found;
}

function variableName(path: readonly string[]): string {
  return ['POSTERN', ...path.map((key) => key.replace(/[A-Z]/g, '_$&').toUpperCase())].join('_');
}

/** A text that is not what the key wants stays a text: the schema then says what it expected. */
function parse(text: string, form: EnvironmentKey['form']): unknown {
  if (form === 'number') return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
  if (form === 'text') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function formOf(field: z.core.$ZodType): EnvironmentKey['form'] {
  if (field instanceof z.ZodNumber) return 'number';
  if (field instanceof z.ZodRecord || field instanceof z.ZodArray || field instanceof z.ZodBoolean) return 'json';
  return 'text';
}

/** Takes away optional(), default() and prefault(). */
function unwrap(field: z.core.$ZodType): z.core.$ZodType {
  let inner = field;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
    inner = inner.unwrap();
  }
  return inner;
}
