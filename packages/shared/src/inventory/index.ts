/** Inventory sections: names and row shapes. Pure. */
export * from './sections.ts';
