/**
 * The slow lane: inventory of the machine, taken in a short-lived child of the link process so that neither its
 * memory nor the programs it starts weigh on the tick. Reads only. May import host and shared, nothing of link.
 */
import { createInventoryHost } from '../host/inventory-host.ts';
import { takeInventory } from './take-inventory.ts';

/** Prints `{"sections":[{name,data}]}` as one line of JSON on standard output. Arguments: section names, none = all. */
export async function runInventory(args: readonly string[]): Promise<void> {
  const sections = await takeInventory(createInventoryHost(), args.length === 0 ? null : args);
  const line = `${JSON.stringify({ sections })}\n`;
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(line, (error) => (error ? reject(error) : resolve()));
  });
}
