/** node-postgres' `defaults`: global and mutable because programs set it. */
import { dateSettings } from '../values/date.ts';
import { addParser, types } from '../values/types.ts';

export interface Defaults {
  host: string;
  user?: string | undefined;
  database?: string | undefined;
  password: string | null;
  connectionString?: string | undefined;
  port: number;
  rows: number;
  binary: boolean;
  max: number;
  idleTimeoutMillis: number;
  client_encoding: string;
  ssl: boolean;
  application_name?: string | undefined;
  fallback_application_name?: string | undefined;
  options?: string | undefined;
  parseInputDatesAsUTC: boolean;
  statement_timeout: number | false;
  lock_timeout: number | false;
  idle_in_transaction_session_timeout: number | false;
  query_timeout: number | false;
  connect_timeout: number;
  keepalives: number;
  keepalives_idle: number;
  /** Set to true, int8 becomes a number, whatever its size. */
  parseInt8: boolean;
}

export const defaults: Defaults = {
  host: 'localhost',
  password: null,
  port: 5432,
  rows: 0,
  binary: false,
  max: 10,
  idleTimeoutMillis: 30_000,
  client_encoding: '',
  ssl: false,
  get parseInputDatesAsUTC(): boolean {
    return dateSettings.areSentAsUtc;
  },
  set parseInputDatesAsUTC(isUtc: boolean) {
    dateSettings.areSentAsUtc = isUtc;
  },
  statement_timeout: false,
  lock_timeout: false,
  idle_in_transaction_session_timeout: false,
  query_timeout: false,
  connect_timeout: 0,
  keepalives: 1,
  keepalives_idle: 0,
  set parseInt8(isNumber: boolean) {
    addParser(types, isNumber ? Number : String, [20], [1016]);
  },
};
