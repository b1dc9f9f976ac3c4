import { prisma7 } from '@postern/test-prisma-7';
import { describeTransports } from './describe-transports.ts';

describeTransports({ title: 'Prisma 7.10', prisma: prisma7, compatibility: '7.10' });
