/** Something that happened, for the operator: a name and plain details. Never holds a secret. */
export interface Event {
  readonly event: string;
  readonly [detail: string]: string | number | boolean | readonly string[] | undefined;
}
