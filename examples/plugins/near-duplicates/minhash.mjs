// @ts-check
/**
 * MinHash with banding, after Broder, "On the resemblance and containment of documents" (1997), and Leskovec, Rajaraman
 * and Ullman, "Mining of Massive Datasets", chapter 3. All hashes are 32 bits.
 */

/**
 * The distinct hashes of every `size` words in a row, sorted. A text of fewer words is one shingle; no words, none.
 * @param {string} text
 * @param {number} size
 */
export function shingles(text, size) {
  const words = wordHashes(text);
  if (words.length === 0) return new Uint32Array();
  const count = Math.max(1, words.length - size + 1);
  const hashes = new Uint32Array(count);
  for (let start = 0; start < count; start += 1) {
    let hash = 0;
    const end = Math.min(start + size, words.length);
    for (let at = start; at < end; at += 1) hash = mix(hash ^ words[at]);
    hashes[start] = hash;
  }
  hashes.sort();
  return hashes.filter((hash, index) => index === 0 || hash !== hashes[index - 1]);
}

/**
 * A hash for each word, in order. Words are runs of Latin letters and digits, and of anything beyond ASCII.
 * @param {string} text
 */
function wordHashes(text) {
  const lower = text.toLowerCase();
  const words = [];
  let hash = 0;
  let inWord = false;
  for (let index = 0; index < lower.length; index += 1) {
    const code = lower.charCodeAt(index);
    if ((code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code > 127) {
      hash = Math.imul(hash ^ code, 0x01000193);
      inWord = true;
    } else if (inWord) {
      words.push(hash);
      hash = 0;
      inWord = false;
    }
  }
  if (inWord) words.push(hash);
  return words;
}

/**
 * A function that gives a set of shingles its signature: for each of `count` hash functions the least hash of the set.
 * Two sets agree in a place of it with a probability equal to their similarity.
 * @param {number} count
 */
export function signatures(count) {
  // Fixed seeds: the same files give the same groups every time.
  const seeds = Uint32Array.from({ length: count }, (_, index) => mix(index + 1));
  /** @param {Uint32Array} set */
  return (set) => {
    const least = new Uint32Array(count).fill(0xffffffff);
    for (const shingle of set) {
      for (let place = 0; place < count; place += 1) {
        const hash = mix(shingle ^ seeds[place]);
        if (hash < least[place]) least[place] = hash;
      }
    }
    return least;
  };
}

/**
 * How many places make a band: as many as still let two sets that are `threshold` alike share one of the bands with a
 * probability of at least `recall`, which is 1 - (1 - threshold^rows)^bands.
 * @param {number} count places of the signature
 * @param {number} threshold
 * @param {number} recall
 */
export function bandRows(count, threshold, recall) {
  let rows = 1;
  while (rows < count) {
    const bands = Math.floor(count / (rows + 1));
    if (1 - (1 - threshold ** (rows + 1)) ** bands < recall) break;
    rows += 1;
  }
  return rows;
}

/**
 * A key for each band of a signature. Bands that are equal, in the same place, have equal keys; seldom others do, too.
 * @param {Uint32Array} signature
 * @param {number} rows places of a band
 */
export function bandKeys(signature, rows) {
  const keys = [];
  for (let start = 0; start + rows <= signature.length; start += rows) {
    let key = start;
    for (let place = start; place < start + rows; place += 1) key = mix(key ^ signature[place]);
    keys.push(key);
  }
  return keys;
}

/**
 * The Jaccard similarity of two sorted sets: what they share over what they have together, 0 to 1.
 * @param {Uint32Array} left
 * @param {Uint32Array} right
 */
export function similarity(left, right) {
  let shared = 0;
  for (let l = 0, r = 0; l < left.length && r < right.length; ) {
    const a = left[l];
    const b = right[r];
    if (a === b) shared += 1;
    if (a <= b) l += 1;
    if (b <= a) r += 1;
  }
  return shared / (left.length + right.length - shared);
}

/**
 * Spreads the bits of a number over 32 bits (the finalizer of MurmurHash3, by Austin Appleby, public domain).
 * @param {number} value
 */
function mix(value) {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
