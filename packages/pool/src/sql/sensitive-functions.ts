/**
 * Functions whose effect on the session is known and is not "none". They are recognised in any schema and in attribute
 * notation too: `SELECT (1).pg_advisory_lock` and `SELECT x.setseed FROM random() AS x` are calls.
 * set_config has its own rule (expression-scan.ts).
 */

export type FunctionEffect =
  /** What inspection can find, or what cannot be told from the call because it runs SQL given as text. Never learned. */
  | 'holds'
  /** State that neither inspection nor reset sees or removes. */
  | 'permanent'
  /** A trace that the reset removes (sequence values) or that is outside the session (large objects, signals). */
  | 'trace'
  /** No trace, but bound to this connection or slow: not to be run between other callers' statements. */
  | 'bound';

const HOLDS = `
pg_advisory_lock pg_advisory_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared pg_advisory_unlock
pg_advisory_unlock_shared pg_advisory_unlock_all
query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema ts_stat ts_rewrite
crosstab crosstab2 crosstab3 crosstab4 connectby xpath_table set_limit
`;

const PERMANENT = `
setseed
pg_replication_origin_session_setup pg_replication_origin_session_reset
pg_create_physical_replication_slot pg_create_logical_replication_slot
pg_copy_physical_replication_slot pg_copy_logical_replication_slot
pg_backup_start pg_start_backup
dblink_connect dblink_connect_u dblink_open isn_weak
`;

const TRACE = `
nextval setval currval lastval
pg_terminate_backend pg_cancel_backend pg_reload_conf pg_rotate_logfile pg_promote pg_switch_wal
pg_create_restore_point pg_backup_stop pg_stop_backup pg_export_snapshot pg_logical_emit_message
pg_replication_origin_xact_setup pg_replication_origin_xact_reset
pg_stat_clear_snapshot pg_stat_force_next_flush pg_stat_reset
loread lowrite
`;

// txid_current and the like are absent: they are the same whoever shares the connection.
const BOUND = `
pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared
pg_sleep pg_sleep_for pg_sleep_until pg_notify current_setting pg_show_all_settings
pg_backend_pid pg_listening_channels pg_my_temp_schema pg_is_other_temp_schema pg_cursor pg_prepared_statement
pg_replication_origin_session_is_setup pg_replication_origin_session_progress
`;

/** What calling `name` (folded) does, or undefined for a function this table does not know. */
export function functionEffect(name: string): FunctionEffect | undefined {
  const effect = EFFECTS.get(name);
  if (effect !== undefined) return effect;
  // Large objects: descriptors end with the transaction. dblink: SQL given as text, or a connection of its own.
  if (name.startsWith('lo_')) return 'trace';
  return name.startsWith('dblink') ? 'holds' : undefined;
}

/** The name of a function with a permanent effect that `code` (the body of a DO block) mentions. */
export function mentionedPermanentFunction(code: string): string | undefined {
  const folded = code.toLowerCase();
  return permanentFunctions.find((name) => folded.includes(name));
}

const names = (list: string): string[] => list.trim().split(/\s+/);

/** Names of the functions with a permanent effect. */
export const permanentFunctions: readonly string[] = names(PERMANENT);

const EFFECTS: ReadonlyMap<string, FunctionEffect> = new Map<string, FunctionEffect>([
  ...names(HOLDS).map((name) => [name, 'holds'] as const),
  ...permanentFunctions.map((name) => [name, 'permanent'] as const),
  ...names(TRACE).map((name) => [name, 'trace'] as const),
  ...names(BOUND).map((name) => [name, 'bound'] as const),
]);
