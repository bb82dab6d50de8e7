const s = (n: number, one: string, many: string): string => (n === 1 ? `1 ${one}` : `${n} ${many}`);

/** Approvals. */
export const trust = {
  approvals: {
    title: 'Approvals',
    lead: 'Runs and shells that wait until people have approved them with a passkey.',
    none: 'Nothing waits for approval.',
    noneText: 'What needs the approval of people is listed here as soon as somebody asks for it.',
    askedBy: 'Asked by',
    until: 'Until',
    missing: 'Missing',
    missingOf: (missing: number, needed: number) => `${s(missing, 'approval', 'approvals')} of ${needed}`,
    approvedBy: 'Approved by',
    approve: 'Approve',
    deny: 'Deny',
    denyTitle: 'Deny this request?',
    denyText: 'It ends for everybody: who asked has to ask again.',
    mayNot: 'You cannot approve this: you have done so already, or the policy bundle lists no passkey of yours.',
    passkeyUnused: 'No passkey was used, so nothing was approved: try again on the device that has your passkey.',
    stillMissing: (n: number) => `Your approval counts. Still missing: ${s(n, 'approval', 'approvals')}.`,
    isApproved: 'Approved. A run goes on by itself; a shell opens when who asked opens it again.',
    isDenied: 'Denied.',
    toPage: 'Go to the approvals',
    shellWaits:
      'This shell needs the approval of people. It is listed under approvals; open it again, with the same user and reason, when it is approved.',
    runWaits: 'This run waits for the approval of people and goes on by itself when they have given it.',
    isOver: 'This request is over.',
  },
} as const;
