import { describe, expect, it } from 'vitest';
import { classifySql } from './classify.ts';
import { createClassifier } from './classify-cache.ts';

describe('createClassifier', () => {
  it('answers what classifySql answers, the same object each time', () => {
    const { classify } = createClassifier();
    const traits = classify('select f(1)');
    expect(traits).toEqual(classifySql('select f(1)'));
    expect(classify('select f(1)')).toBe(traits);
    expect(classify('select f(2)')).not.toBe(traits);
  });

  it('forgets the texts not asked for lately, and keeps those in use', () => {
    const { classify } = createClassifier({ maxEntries: 8 });
    const [hot, cold] = [classify('hot'), classify('cold')];
    for (let i = 0; i < 100; i++) {
      classify(`select ${i}`);
      expect(classify('hot')).toBe(hot);
    }
    expect(classify('cold')).not.toBe(cold);
  });

  it('does not keep long texts', () => {
    const { classify } = createClassifier({ maxTextLength: 8 });
    expect(classify('select 1')).toBe(classify('select 1'));
    expect(classify('select 12')).not.toBe(classify('select 12'));
  });
});
