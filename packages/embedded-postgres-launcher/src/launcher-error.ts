/** Why a Postgres could not be started or stopped; users compare `code`. */
export type LauncherErrorCode =
  | 'binaries_missing'
  | 'cannot_run'
  | 'initdb_failed'
  | 'data_dir_in_use'
  | 'data_dir_incompatible'
  | 'port_in_use'
  | 'start_failed';

/** An error of the launcher. The message names what failed and where; `detail` holds Postgres's own last words. */
export class LauncherError extends Error {
  readonly kind = 'launcher';
  readonly code: LauncherErrorCode;
  readonly detail: string | undefined;

  constructor(code: LauncherErrorCode, message: string, detail?: string) {
    super(detail ? `${message}\n${detail}` : message);
    this.name = 'LauncherError';
    this.code = code;
    this.detail = detail;
  }
}
