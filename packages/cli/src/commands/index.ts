/**
 * The commands: one file each, which adds itself to the program; the list is the order in which help shows them. They
 * know the API client and the terminal, never each other. To add one: its file and its line here.
 */
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addAccount } from './account.ts';
import { addAudit } from './audit.ts';
import { addBan } from './ban.ts';
import { addCompletion } from './completion.ts';
import { addLogin } from './login.ts';
import { addNodes } from './nodes.ts';
import { addPeople } from './people.ts';
import { addPool } from './pool.ts';
import { addRecordings } from './recordings.ts';
import { addRun } from './run.ts';
import { addRuns } from './runs.ts';
import { addSchedule } from './schedule.ts';
import { addShell } from './shell.ts';
import { addWebhook } from './webhook.ts';
import { addWindow } from './window.ts';

export const COMMANDS: readonly ((program: Command, context: Context) => void)[] = [
  addLogin,
  addNodes,
  addRun,
  addRuns,
  addSchedule,
  addWindow,
  addWebhook,
  addAccount,
  addPool,
  addBan,
  addShell,
  addRecordings,
  addPeople,
  addAudit,
  addCompletion,
];
