import { bigint, customType } from 'drizzle-orm/pg-core';

/** Unix ms. */
export const timeMs = (name: string) => bigint(name, { mode: 'number' });

export const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' });

/**
 * jsonb, read as the driver parsed it. Drizzle's own column parses a text a second time: the JSON text "2" would
 * become the number 2.
 */
export const json = customType<{ data: unknown; driverData: unknown }>({
  dataType: () => 'jsonb',
  toDriver: (value) => JSON.stringify(value),
  fromDriver: (value) => value,
});
