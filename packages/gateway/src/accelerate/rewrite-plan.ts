/**
 * Query plans of clients before 7.4.2 → the dialect of the runtime used here (reference/prisma.md §2.1, found by trying).
 * By shape, so a plan that is new already stays as it is.
 */

/** Changes the plan in place. */
export function rewritePlan(plan: unknown): void {
  // Plans of nested writes are deep: no recursion.
  const pending: unknown[] = [plan];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (Array.isArray(node)) {
      for (const item of node) if (isObject(item)) pending.push(item);
    } else if (isObject(node)) {
      rewriteNode(node);
      for (const value of Object.values(node)) if (isObject(value)) pending.push(value);
    }
  }
}

function rewriteNode(node: Record<string, unknown>): void {
  if (node.type === 'parameterTuple' && node.itemSeparator === undefined) {
    Object.assign(node, { itemPrefix: '', itemSeparator: ',', itemSuffix: '' });
  } else if (node.type === 'join' && isObject(node.args) && node.args.canAssumeStrictEquality === undefined) {
    node.args.canAssumeStrictEquality = true;
  }
  if ('error_identifier' in node) {
    node.errorIdentifier = node.error_identifier;
    delete node.error_identifier;
  }
}

/** Arrays too. */
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
