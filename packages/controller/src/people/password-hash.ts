import { hash, verify } from '@node-rs/argon2';

/**
 * Passwords as argon2id PHC strings, with OWASP's first choice of parameters (19 MiB, 2 passes, 1 lane: about 30 ms
 * of a slow core). The parameters stand in the string, so raising them here leaves old ones readable.
 */
const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

export const hashPassword = (password: string): Promise<string> => hash(password.normalize('NFKC'), OPTIONS);

/** Hash of a password that nobody has: looked at when there is no account, so that both answers take the same time. */
let nobody: Promise<string> | null = null;

/** Null takes as long as a wrong password does, and is false. */
export async function isPassword(password: string, passwordHash: string | null): Promise<boolean> {
  nobody ??= hashPassword('nobody has this password');
  const isRight = await verify(passwordHash ?? (await nobody), password.normalize('NFKC'));
  return isRight && passwordHash !== null;
}
