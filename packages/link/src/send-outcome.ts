/**
 * `sent`: on its way. `stop`: on its way, but much waits already: produce no more until `onceDrained` calls (rule
 * TRANS5). `closed`: not sent, the connection is gone.
 */
export type SendOutcome = 'sent' | 'stop' | 'closed';
