import { describe, expect, it } from 'vitest';
import { linesOf, parseConflicts, parseNginxFile } from './nginx-names.ts';

describe("nginx's files", () => {
  it('show names, lines and ports of each site, however they are written', () => {
    const text = `# server { server_name none; }
map $host $x { default "}"; 'a;b' "\\"{"; }
server { listen 80 default_server; listen [::]:8080 ssl; listen unix:/run/x:81;
  server_name A.example "b.example" # c.example
    .d.example;
  location /\${x} { return 200 "server { server_name e.example; }"; }
  server_name f.example;
}
server { server_name g.example; location / { include inside; } }
`;
    expect(parseNginxFile(text)).toEqual({
      isOrder: false,
      sites: [
        {
          line: 3,
          ports: ['80', '8080'],
          names: [
            { name: 'a.example', line: 4 },
            { name: 'b.example', line: 4 },
            { name: '.d.example', line: 5 },
            { name: 'f.example', line: 7 },
          ],
        },
        { line: 9, ports: ['80'], names: [{ name: 'g.example', line: 9 }] },
      ],
    });
  });

  it('that include sites say which comes first; a snippet has names of a site elsewhere', () => {
    expect(parseNginxFile('http { include sites/*; }')).toEqual({ sites: [], isOrder: true });
    expect(parseNginxFile('server_name x;')).toEqual({
      sites: [{ line: null, names: [{ name: 'x', line: 1 }], ports: [] }],
      isOrder: false,
    });
  });

  it.each(['', '}', '{', '"', "'", '\\', '${', 'server {', 'server_name "x', '}}}server_name x;', '#', '\n\n#\n'])(
    'are read to their end, whatever they hold: %j',
    (text) => {
      expect(parseNginxFile(text).isOrder).toBe(false);
    },
  );

  it('of a MiB of braces and quotes are read at once', () => {
    expect(parseNginxFile('"\\'.repeat(500_000))).toEqual({ sites: [], isOrder: false });
    expect(parseNginxFile('a{'.repeat(20_000))).toEqual({ sites: [], isOrder: false });
  });
});

it("nginx's warnings are read once each", () => {
  const warned = (name: string, at: string): string =>
    `2026/11/23 01:35:42 [warn] 1#1: conflicting server name "${name}" on ${at}, ignored\n`;
  const said = [warned('x', '0.0.0.0:80'), warned('x', '[::]:80'), warned('x', 'unix:/run/x'), 'nginx: ok\n'].join('');
  expect(parseConflicts(said)).toEqual([
    { name: 'x', port: '80' },
    { name: 'x', port: null },
  ]);
  expect(parseConflicts('nginx: [warn] could not build optimal server_names_hash\n')).toEqual([]);
});

it.each([
  ['x.example', '80', [1]],
  ['x.example', '443', []],
  ['x.example', null, [1]],
  ['.x.example', '80', [1]],
  ['*.x.example', '80', []],
  ['*.w.example', '80', [2]],
])('the lines of a site with the name %j on port %j', (name, port, lines) => {
  const names = [
    { name: 'x.example', line: 1 },
    { name: '.w.example', line: 2 },
  ];
  expect(linesOf({ line: 1, names, ports: ['80'] }, { name, port })).toEqual(lines);
});
