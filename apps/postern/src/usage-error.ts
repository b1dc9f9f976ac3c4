/** The operator asked for something that cannot be: one clear line, exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The program could not do what it was asked, through no fault of the command line: one clear line, exit 1. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
