import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { announcementFrames } from '../../src/kernel/frames.ts';
import { address } from '../support/a-view.ts';

const hardware = Buffer.from('02005e10feed', 'hex');

/** Frames as hexadecimal text, with the spaces of a reader taken out. */
function hex(...words: readonly string[]): string {
  return words.join('').replaceAll(' ', '');
}

function frames(text: string): readonly Buffer[] {
  return announcementFrames(address(text), hardware);
}

suite('an IPv4 address is announced by', () => {
  test('a gratuitous ARP request and a reply, which is all that some neighbours learn from', () =>
    assert.deepEqual(
      frames('10.0.0.7').map((frame) => frame.toString('hex')),
      [
        // To all, from us, ARP; Ethernet, IPv4, lengths 6 and 4, request; sender, target: the same address.
        hex(
          'ffffffffffff 02005e10feed 0806',
          '0001 0800 06 04 0001',
          '02005e10feed 0a000007',
          '000000000000 0a000007',
        ),
        hex(
          'ffffffffffff 02005e10feed 0806',
          '0001 0800 06 04 0002',
          '02005e10feed 0a000007',
          'ffffffffffff 0a000007',
        ),
      ],
    ));
});

suite('an IPv6 address is announced by an unsolicited neighbour advertisement', () => {
  const [frame = Buffer.alloc(0), ...more] = frames('2001:db8::7');
  const part = (from: number, to: number): string => frame.subarray(from, to).toString('hex');

  test('alone, of 86 bytes', () => assert.deepEqual([frame.length, more.length], [86, 0]));
  test('to every node on the link, from us', () =>
    assert.equal(part(0, 14), hex('333300000001 02005e10feed 86dd')));
  test('in an IPv6 packet of 32 bytes of ICMPv6 with hop limit 255, from the address itself', () =>
    assert.equal(
      part(14, 54),
      hex('60000000 0020 3a ff', '20010db8000000000000000000000007', 'ff020000000000000000000000000001'),
    ));
  test('that overrides what neighbours know, and names our hardware address', () => {
    assert.equal(part(54, 56), '8800');
    assert.equal(part(58, 62), '20000000');
    assert.equal(part(62, 78), '20010db8000000000000000000000007');
    assert.equal(part(78, 86), hex('02 01 02005e10feed'));
  });
  test('with a checksum that any receiver finds right, whatever the address', () => {
    for (const text of [
      '2001:db8::7',
      'fd00:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      '2001:db8::ff00:0',
      'fd00::1',
    ]) {
      const [advertisement = Buffer.alloc(0)] = frames(text);
      // Pseudo header as RFC 8200 has it: addresses, length, next header; then the message with its checksum in it.
      const summed = [
        advertisement.subarray(22, 54),
        Buffer.from([0, 0, 0, 32, 0, 0, 0, 58]),
        advertisement.subarray(54),
      ];
      let sum = 0;
      for (const [index, byte] of Buffer.concat(summed).entries()) sum += index % 2 === 0 ? byte * 256 : byte;
      assert.equal(sum % 0xffff, 0, text);
      assert.notEqual(advertisement.readUInt16BE(56), 0, text);
    }
  });
  test('with the checksum that was worked out by hand', () => assert.equal(part(56, 58), handChecksum()));
});

/** One's complement sum of the words of the advertisement for 2001:db8::7 from 02:00:5e:10:fe:ed, written out. */
function handChecksum(): string {
  const source = 0x2001 + 0x0db8 + 0x0007;
  const destination = 0xff02 + 0x0001;
  const message = 0x8800 + 0x2000 + source + 0x0201 + 0x0200 + 0x5e10 + 0xfeed;
  const sum = source + destination + 32 + 58 + message;
  return (0xffff - (sum % 0xffff)).toString(16).padStart(4, '0');
}
