import { describe, expect, it } from 'vitest';
import { decodeDefinition, domainXml } from './domain-xml.ts';
import { element, renderXml } from './xml-tree.ts';

describe('XML as a tree', () => {
  it('keeps text as text, in elements and in attributes', () => {
    const hostile = `</name><devices a="b">&amp;'"]]>`;
    const escaped = '&lt;/name&gt;&lt;devices a=&quot;b&quot;&gt;&amp;amp;&apos;&quot;]]&gt;';
    expect(renderXml(element('name', { uuid: hostile }, hostile))).toBe(`<name uuid="${escaped}">${escaped}</name>`);
  });

  it.each(['\u0000', '\u001b', '\ud800', '\uffff'])('refuses what XML can not hold: %j', (text) =>
    expect(() => renderXml(element('name', {}, text))).toThrow(/can not hold/),
  );

  it.each(['a b', 'a><b', '', '1a'])('refuses a name that is none: %j', (name) => {
    expect(() => renderXml(element(name))).toThrow(/is no name of XML/);
    expect(() => renderXml(element('a', { [name]: 1 }))).toThrow(/is no name of XML/);
  });
});

describe('the definition of a guest', () => {
  const definition = {
    identity: '7c0deb36-c051-4c85-9168-3294f00d4061',
    template: 'debian12',
    cpus: 2,
    memoryMiB: 512,
    bridge: 'br0',
    mac: '52:54:00:12:34:56',
    description: `</description><disk/> ä 'x'`,
  };

  it('is read back as it was written', () => {
    const xml = domainXml('web1', definition, { disk: '/a', seed: '/b' }, 'kvm');
    expect(decodeDefinition(/<guest [^]*<\/guest>/.exec(xml)?.[0] ?? '')).toEqual(definition);
    expect(xml.match(/<disk /g)).toHaveLength(2);
    expect(xml).toContain('<cpu mode="host-model"></cpu>');
    expect(domainXml('web1', definition, { disk: '/a', seed: '/b' }, 'qemu')).not.toContain('<cpu ');
  });

  it.each([
    '',
    '<guest>x y</guest>',
    `<guest>${Buffer.from('{').toString('base64url')}</guest>`,
    `<guest>${Buffer.from('null').toString('base64url')}</guest>`,
    `<guest>${Buffer.from('{"identity":5}').toString('base64url')}</guest>`,
    `<guest>${Buffer.from(JSON.stringify({ ...definition, cpus: '2' })).toString('base64url')}</guest>`,
    `<guest>${Buffer.from(JSON.stringify({ ...definition, more: 1 })).toString('base64url')}</guest>`,
  ])('is nobody of ours when it says %j', (text) => expect(decodeDefinition(text)).toBeNull());
});
