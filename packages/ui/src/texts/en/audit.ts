/** Audit log. */
export const audit = {
  audit: {
    title: 'Audit log',
    text: 'Who did what, when, on which node. Rows are chained by hash: an edit or a gap shows.',
    event: 'Event',
    code: 'Event',
    who: 'Who',
    from: 'From',
    to: 'Until',
    address: 'From address',
    node: 'Node',
    outcome: 'Outcome',
    outcomes: { ok: 'done', refused: 'refused', failed: 'failed' },
    order: 'Order',
    hash: 'Hash',
    seq: 'Row',
    detail: 'Detail',
    empty: 'No entry fits.',
    tableLabel: 'Audit log',
    filtersLabel: 'Filter the audit log',
    showDetail: 'Show details of this entry',
  },
} as const;
