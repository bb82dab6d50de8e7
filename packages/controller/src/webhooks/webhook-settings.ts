import { HaubanError } from '@hauban/shared/errors';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';

const SettingsFile = Type.Object(
  {
    allowNetworks: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 100 })),
    allowPorts: Type.Optional(Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }), { maxItems: 100 })),
    caFile: Type.Optional(Type.String({ pattern: '^/' })),
  },
  { additionalProperties: false },
);

/** What root of the controller's machine says about webhooks. */
export interface WebhookSettings {
  readonly allowNetworks: readonly string[];
  readonly allowPorts: readonly number[];
  /** PEM: believed beside the authorities that everybody believes. */
  readonly ca: string | null;
}

export const USUAL_WEBHOOKS: WebhookSettings = { allowNetworks: [], allowPorts: [], ca: null };

const WHERE = 'HAUBAN_WEBHOOK_FILE';
const bad = (detail: string, cause?: unknown): HaubanError => new HaubanError('CONFIG_BAD', detail, { cause });

function parseFile(text: string): Static<typeof SettingsFile> {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (error) {
    throw bad(`${WHERE} is not JSON: look for a missing comma or quote.`, error);
  }
  if (Value.Check(SettingsFile, file)) return file;
  const first = [...Value.Errors(SettingsFile, file)][0];
  throw bad(`${WHERE}: ${first?.instancePath ?? ''} ${first?.message ?? 'does not fit'}; see docs/rest-api.md.`);
}

/** CONFIG_BAD with one sentence for whatever does not fit. @param readFile content of a file that it names */
export function parseWebhookSettings(text: string | null, readFile: (path: string) => string): WebhookSettings {
  if (text === null) return USUAL_WEBHOOKS;
  const { allowNetworks = [], allowPorts = [], caFile } = parseFile(text);
  const ca = caFile === undefined ? null : readFile(caFile);
  if (ca !== null && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw bad(`${WHERE}: ${caFile ?? ''} holds no certificate (PEM).`);
  return { allowNetworks, allowPorts, ca };
}
