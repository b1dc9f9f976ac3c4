import { prisma6 } from '@postern/test-prisma-6';
import { describeTransports } from './describe-transports.ts';

describeTransports({
  title: 'Prisma 6.19',
  prisma: prisma6,
  compatibility: '6.16',
  exceptions: { 'P2003 restrict': 'adapter-pg 6 does not know 23001, and says so without a code' },
});
