const s = (n: number, one: string, many: string): string => (n === 1 ? `1 ${one}` : `${n} ${many}`);

/** Why an address is banned, and where. */
export const bans = {
  bans: {
    title: 'Bans',
    lead: 'Somebody can not reach his site or his mail: ask every node at once whether it bans his address, and lift it where it does.',
    address: 'Address',
    addressHint: 'One IPv4 or IPv6 address, as 203.0.113.7',
    search: 'Search',
    on: 'Nodes to ask',
    onHint: 'All, or such as role=web and label.site=paris',
    onBad: 'Say which nodes to ask: all, or a selector such as role=web.',
    asks: (n: number, online: number) => `${s(n, 'node', 'nodes')}, ${online} of them connected`,
    forbids: (n: number) =>
      n === 1
        ? 'You may not ask one of them: say which nodes you mean.'
        : `You may not ask ${n} of them: say which nodes you mean.`,
    lists: 'Ban lists',
    listAll: 'See all that a node bans',
    again: 'Search again',
    asked: (answered: number, total: number) => `${answered} of ${s(total, 'node', 'nodes')} answered`,
    isBanned: (address: string, n: number) => `${address} is banned on ${s(n, 'node', 'nodes')}`,
    wasBanned: (address: string, n: number) =>
      `${address} was banned on ${s(n, 'node', 'nodes')} when they were asked. Search again to see how it is now.`,
    isClear: (address: string, n: number) =>
      `No ban of ${address} was found on the ${s(n, 'node', 'nodes')} that answered`,
    clear: (n: number) => `No ban was found on ${s(n, 'other node', 'other nodes')}.`,
    table: 'Where it is banned',
    where: 'Where',
    target: 'Banned',
    why: 'Why',
    since: 'Since',
    until: 'Until',
    packets: 'Packets dropped',
    untilLifted: 'until lifted',
    sources: {
      hauban: 'our table',
      fail2ban: 'fail2ban, jail',
      crowdsec: 'CrowdSec',
    },
    never: (target: string, why: string) => `This node never bans it: ${target} is ${why}.`,
    connections: 'Open connections with it',
    connectionCount: 'TCP connections now',
    noConnections: (n: number) => `It has no TCP connection open now with the ${s(n, 'node', 'nodes')} that counted.`,
    away: (n: number) => `${s(n, 'node is', 'nodes are')} away, and nobody knows what they do:`,
    unsure: (n: number) => `${s(n, 'node', 'nodes')} could not say everything:`,
    lift: (what: string, n: number) => `Lift ${what} on ${s(n, 'node', 'nodes')}`,
    liftAndTake: (what: string, n: number, lists: string) =>
      `Lift ${what} on ${s(n, 'node', 'nodes')}, and take it off ${lists}`,
    onList: (list: string) =>
      `The ban list ${list} made this ban; it is taken off there as well, or it would come back.`,
    onForeignList: (list: string) =>
      `The ban list ${list} made this ban, and you may not see that list: the ban comes back until somebody who may takes it off there.`,
    byList: (list: string) => `the ban list ${list}`,
    toList: 'What the list says',
    isPrefix: (prefix: string) => `${prefix} is banned as a whole: lifting it lets all its addresses in.`,
    lifted: 'What each node says',
    runOf: 'All about this search',
    liftRunOf: 'All about this lifting',
    notASearch: 'This address of a page belongs to a run that is no search for a ban.',
  },
} as const;
