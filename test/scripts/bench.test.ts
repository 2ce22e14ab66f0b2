import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseAnswer } from '../../scripts/bench/client.ts';
import { type Figure, summaryOf } from '../../scripts/bench/figure.ts';
import { configuration } from '../../scripts/bench/keepalived.ts';
import { pictureOf } from '../../scripts/bench/picture.ts';
import { targetsOf } from '../../scripts/bench/targets.ts';

const hosts = new Map([['0e:11:22:33:44:55', 'db1']]);

function aFigure(what: string, who: string, ...samples: readonly number[]): Figure {
  return { what, who, unit: 'ms', samples };
}

suite('what was measured', () => {
  test('has a least, a median, a 99th percentile and a most, whatever the order of its samples', () => {
    assert.deepEqual(summaryOf(aFigure('a', 'b', 3, 1, 2, 10)), {
      n: 4,
      min: 1,
      median: 2.5,
      p99: 10,
      max: 10,
    });
  });

  test('is no figure without a sample', () => {
    assert.throws(() => summaryOf(aFigure('a move', 'yaim')), /no sample of "a move" with yaim/);
  });

  test('reaches its target, misses it, or has no peer to be compared with', () => {
    const killed = 'database killed → answered from another node';
    const ours = aFigure(killed, 'yaim, retry_num 1', 50);
    const peers = aFigure(killed, 'keepalived, VRRPv3, advert 0.1', 400);
    const verdicts = (...figures: readonly Figure[]) => targetsOf(figures).map(({ isMet }) => isMet);
    assert.deepEqual(verdicts(ours), [true, undefined]);
    assert.deepEqual(verdicts(ours, peers), [true, false]);
    assert.deepEqual(verdicts(ours, { ...peers, samples: [600] }), [true, true]);
  });

  test('is pictured with its texts as texts', () => {
    const picture = pictureOf([aFigure('a < b & c', 'yaim', 1, 10, 100)]);
    assert.match(picture, /a &lt; b &amp; c/);
    assert.equal(picture.match(/<circle/g)?.length, 1);
  });
});

suite('an answer that the client got', () => {
  const line =
    '1795626555.067579 0e:11:22:33:44:55 > 9a:00:00:00:00:01, ethertype IPv4 (0x0800), length 98: 10.77.0.101 > 10.77.0.9: ICMP echo reply, id 23333, seq 0, length 64';

  test('is read with its time, its address and its host', () => {
    assert.deepEqual(parseAnswer(line, hosts), {
      address: '10.77.0.101',
      atMs: 1795626555067.579,
      host: 'db1',
    });
  });

  test('is none when it comes from elsewhere, or is something else', () => {
    assert.equal(parseAnswer(line.replace('0e:', '0f:'), hosts), undefined);
    assert.equal(parseAnswer('listening on eth0', hosts), undefined);
  });
});

test('keepalived is configured with one master, and the priority decides among the backups', () => {
  const of = (index: number) =>
    configuration('/maintenance', { name: `db${index + 1}` }, index, { advertSeconds: 0.1, version: 3 });
  assert.match(of(0), /state MASTER[\s\S]*priority 150\n[\s\S]*advert_int 0.1\n/);
  assert.match(of(2), /vrrp_version 3[\s\S]*state BACKUP[\s\S]*priority 50\n/);
});
