const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** The name of exactly this text in a machine's state. */
export const exactly = (name: string): RegExp => new RegExp(`^${escaped(name)}$`);

/** That path, or one below it. */
export const fileBelow = (path: string): RegExp => new RegExp(`^path:${escaped(path)}(?:/|$)`);
