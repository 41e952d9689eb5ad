import { CATEGORY_WORDS } from '../rules/category-words.ts';
import type { Extraction } from './parse-items.ts';

type Category = keyof typeof CATEGORY_WORDS | 'other';

export interface Categorization {
  readonly category: Category;
  /** 0–1: the category's share of all the evidence found, reduced if there is little evidence; 0 for `other`. */
  readonly confidence: number;
}

/** The name of the shop weighs more than a single item bought there. */
const SHOP_WEIGHT = 3;
const ITEM_WEIGHT = 1;

const RULES = (Object.keys(CATEGORY_WORDS) as (keyof typeof CATEGORY_WORDS)[]).map((category) => ({
  category,
  shop: anyOf(CATEGORY_WORDS[category].shop),
  item: anyOf(CATEGORY_WORDS[category].item),
}));

/** Categorises a purchase by the name of the shop and the items bought. Never throws; without evidence it is `other`. */
export function categorize({ company = '', items }: Pick<Extraction, 'company' | 'items'>): Categorization {
  const scores = RULES.map(({ category, shop, item }) => {
    const bought = items.filter(({ description }) => item.test(description)).length;
    return { category, score: (shop.test(company) ? SHOP_WEIGHT : 0) + bought * ITEM_WEIGHT };
  });
  const best = scores.reduce((leader, other) => (other.score > leader.score ? other : leader));
  if (best.score === 0) return { category: 'other', confidence: 0 };
  const evidence = scores.reduce((sum, { score }) => sum + score, 0);
  return { category: best.category, confidence: best.score / (evidence + 1) };
}

function anyOf(words: string): RegExp {
  return new RegExp(
    `\\b(?:${words
      .split(/\s+/)
      .map((word) => word.replaceAll('.', '\\.'))
      .join('|')})S?\\b`,
    'i',
  );
}
