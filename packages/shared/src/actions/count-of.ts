/** "1 node", "2 nodes": sentences of people and nodes alike. */
export const countOf = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
