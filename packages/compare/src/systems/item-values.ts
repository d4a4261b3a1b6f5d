import type { Item } from './items.ts';

/** The fields of an item, in the order of its columns. */
export const ITEM_FIELDS = ['number', 'category', 'region', 'status', 'price', 'amount', 'label'] as const;

/** An item from its columns, as numbers or texts. */
export function itemOfValues([number, category, region, status, price, amount, label]: readonly unknown[]): Item {
  return {
    number: Number(number),
    category: Number(category),
    region: Number(region),
    status: Number(status),
    price: Number(price),
    amount: Number(amount),
    label: String(label),
  };
}
