/** Files beside the receipt key: the executor's rotation writes them, an enrolment takes them away. */

/** The key that shall take over. */
export const nextReceiptKeyFile = (path: string): string => `${path}.rotating`;

/** The newest steps from one receipt key to the next. */
export const receiptStepsFile = (path: string): string => `${path}.steps`;
