import type { FromExecutor, OrderId } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { createOrderNews, type OrderNews } from './order-news.ts';

const order = 'd9a3ad2e-1c61-4a88-a36f-1b1c37f3cf60' as OrderId;
let clock: FakeClock;
let sent: FromExecutor[];
let news: OrderNews;

beforeEach(() => {
  clock = new FakeClock();
  sent = [];
  news = createOrderNews(order, clock, (message) => void sent.push(message));
});

describe('news of an order', () => {
  it('that ends at once are none', () => {
    news.taken();
    news.progress('apply', 0, 1);
    clock.advance(4);
    news.end();
    clock.advance(1_000);
    expect(sent).toEqual([]);
  });

  it('that lasts say that it is taken, and its newest step at most ten times a second', () => {
    news.taken();
    clock.advance(5);
    for (let done = 0; done < 50; done += 1) {
      news.progress(`step ${done}`, done, 50);
      clock.advance(10);
    }
    expect(sent[0]).toEqual({ t: 'taken', order });
    expect(sent.slice(1).map((message) => (message.t === 'progress' ? message.done : null))).toEqual([
      9, 19, 29, 39, 49,
    ]);
  });

  it('stop with its end, whatever still reports', () => {
    news.taken();
    clock.advance(5);
    news.end();
    news.progress('late', 1, 1);
    clock.advance(1_000);
    expect(sent).toEqual([{ t: 'taken', order }]);
  });
});
