/** Recordings of shells: the asciicast v3 text and the chain of signed chunks that carries it. Pure; no cryptography, no deflate. */
export * from './asciicast.ts';
export * from './chunk-chain.ts';
