import type { BanSearch } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { listedBans } from './listed-bans.ts';

describe('bans that were found', () => {
  const ban = (source: 'hauban' | 'fail2ban', target: string, reason: string): BanSearch['found'][number] => ({
    nodeId: target,
    hostName: target,
    answer: {
      address: target,
      bans: [{ source, target, where: '', reason, since: null, until: null, packets: null }],
      never: null,
      connections: null,
      sources: [],
    },
  });

  it('are told by the list that made them; a jail that calls itself like a list is none', () => {
    const found = [
      ban('hauban', '192.0.3.7', 'list:spam'),
      ban('hauban', '192.0.3.7', 'list:spam'),
      ban('hauban', '192.0.3.8', 'manual'),
      ban('fail2ban', '192.0.3.9', 'list:spam'),
    ];
    expect(listedBans({ found })).toEqual([{ list: 'spam', targets: ['192.0.3.7'] }]);
  });
});
