import { type Demand, fits, least, type Resources } from './need.ts';

interface Node<T> {
  readonly item: T;
  readonly need: Demand;
  readonly weight: number;
  /** The least need of each resource in this subtree, on any GPU, over as many as any of them may be spread. */
  least: Demand;
  left: Node<T> | undefined;
  right: Node<T> | undefined;
}

/**
 * Items in order, each with a need, in which the first whose need fits into some capacity is found without looking at
 * those before it that need more: a treap whose nodes know the least need below them. Adding, deleting and finding take
 * logarithmic time, finding a little more where some items need much of one thing and others much of another.
 */
export class RequestTree<T> {
  readonly #before: (a: T, b: T) => boolean;
  readonly #items = new Set<T>();
  #root: Node<T> | undefined;
  #seed = 1;

  /** @param before whether `a` comes before `b`, strictly; must not change for items that are in */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Whether the item is in. */
  has(item: T): boolean {
    return this.#items.has(item);
  }

  /** Adds an item that is not in yet. */
  add(item: T, need: Demand): void {
    this.#items.add(item);
    // The minimal standard generator: weights need to look random, and to be the same each time.
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    const node = { item, need, weight: this.#seed, least: need, left: undefined, right: undefined };
    this.#root = this.#insert(this.#root, node);
  }

  /** Takes an item out; false when it was not in. */
  delete(item: T): boolean {
    if (!this.#items.delete(item)) return false;
    this.#root = this.#remove(this.#root, item);
    return true;
  }

  /** The first item after the given one, or of all, whose need fits into what is available. */
  firstFitting(available: Resources, after: T | undefined): T | undefined {
    return this.#find(this.#root, available, after);
  }

  #find(node: Node<T> | undefined, available: Resources, after: T | undefined): T | undefined {
    if (node === undefined || !fits(node.least, available)) return undefined;
    if (after !== undefined && !this.#before(after, node.item)) return this.#find(node.right, available, after);
    const earlier = this.#find(node.left, available, after);
    if (earlier !== undefined) return earlier;
    return fits(node.need, available) ? node.item : this.#find(node.right, available, undefined);
  }

  #insert(root: Node<T> | undefined, node: Node<T>): Node<T> {
    if (root === undefined) return node;
    if (node.weight > root.weight) {
      [node.left, node.right] = this.#split(root, node.item);
      return update(node);
    }
    if (this.#before(node.item, root.item)) root.left = this.#insert(root.left, node);
    else root.right = this.#insert(root.right, node);
    return update(root);
  }

  /** What comes before the item, and the rest. */
  #split(root: Node<T> | undefined, item: T): [Node<T> | undefined, Node<T> | undefined] {
    if (root === undefined) return [undefined, undefined];
    if (this.#before(root.item, item)) {
      const [left, right] = this.#split(root.right, item);
      root.right = left;
      return [update(root), right];
    }
    const [left, right] = this.#split(root.left, item);
    root.left = right;
    return [left, update(root)];
  }

  #remove(root: Node<T> | undefined, item: T): Node<T> | undefined {
    if (root === undefined) return undefined;
    if (root.item === item) return merge(root.left, root.right);
    if (this.#before(item, root.item)) root.left = this.#remove(root.left, item);
    else root.right = this.#remove(root.right, item);
    return update(root);
  }
}

function merge<T>(left: Node<T> | undefined, right: Node<T> | undefined): Node<T> | undefined {
  if (left === undefined) return right;
  if (right === undefined) return left;
  if (left.weight > right.weight) {
    left.right = merge(left.right, right);
    return update(left);
  }
  right.left = merge(left, right.left);
  return update(right);
}

function update<T>(node: Node<T>): Node<T> {
  const { need, left, right } = node;
  let lowest = need;
  if (left !== undefined) lowest = leastDemand(lowest, left.least);
  if (right !== undefined) lowest = leastDemand(lowest, right.least);
  node.least = lowest;
  return node;
}

function leastDemand(a: Demand, b: Demand): Demand {
  const { vramMb, ramMb, slots } = least(a, b);
  return { vramMb, ramMb, slots, spread: Math.max(a.spread ?? 1, b.spread ?? 1) };
}
