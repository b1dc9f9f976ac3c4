/** All scripts, in the order of the specification. */
import type { Script } from '../harness/script.ts';
import { cancelScripts } from './cancel.ts';
import { copyScripts } from './copy.ts';
import { disconnectScripts } from './disconnect.ts';
import { functionCallScripts } from './function-call.ts';
import { huntedScripts } from './hunted.ts';
import { limitScripts } from './limits.ts';
import { namedStatementScripts } from './named-statements.ts';
import { noticeScripts } from './notices.ts';
import { notifyScripts } from './notify.ts';
import { parameterStatusScripts } from './parameter-status.ts';
import { pipelineScripts } from './pipelines.ts';
import { portalScripts } from './portals.ts';
import { sessionStateScripts } from './session-state.ts';
import { simpleQueryScripts } from './simple-query.ts';
import { sqlStatementScripts } from './sql-statements.ts';
import { stalePlanScripts } from './stale-plans.ts';
import { startupScripts } from './startup.ts';
import { transactionScripts } from './transactions.ts';
import { unnamedStatementScripts } from './unnamed-statement.ts';

export const scripts: readonly Script[] = [
  ...pipelineScripts,
  ...simpleQueryScripts,
  ...transactionScripts,
  ...copyScripts,
  ...functionCallScripts,
  ...portalScripts,
  ...disconnectScripts,
  ...cancelScripts,
  ...parameterStatusScripts,
  ...sessionStateScripts,
  ...unnamedStatementScripts,
  ...namedStatementScripts,
  ...sqlStatementScripts,
  ...stalePlanScripts,
  ...noticeScripts,
  ...notifyScripts,
  ...startupScripts,
  ...limitScripts,
  ...huntedScripts,
];
