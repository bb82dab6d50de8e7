import { customType } from 'drizzle-orm/pg-core';

/** Bytes as they are; the driver gives a Buffer. */
export const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' });
