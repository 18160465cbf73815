import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PLUGIN_STATES, STATE_MARKS } from '../../../src/inspector/page/palette.ts';

type Rgb = readonly [number, number, number];

const css = readFileSync(new URL('../../../src/inspector/page/palette.css', import.meta.url), 'utf8');

/** A custom property's colour in a scheme, as linear light from 0 to 1. */
function colorOf(name: string, scheme: 'light' | 'dark'): Rgb {
  const value = new RegExp(`--${name}: ([^;]+);`).exec(css)?.[1];
  if (value === undefined) throw new Error(`palette.css has no --${name}.`);
  const found = value.match(/#[0-9a-f]{6}/g) ?? [];
  const hex = (scheme === 'dark' ? found.at(-1) : found[0]) ?? '';
  const channel = (at: number): number => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

/** WCAG 2.2, relative luminance and contrast ratio. */
const luminance = ([r, g, b]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;

function contrast(one: Rgb, other: Rgb): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

/** Machado, Oliveira and Fernandes (2009), severity 1.0, in linear light. */
const VISIONS: Readonly<Record<string, readonly [Rgb, Rgb, Rgb]>> = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function seen(color: Rgb, matrix: readonly [Rgb, Rgb, Rgb]): Rgb {
  const mix = (row: Rgb): number =>
    Math.max(
      0,
      Math.min(
        1,
        row.reduce((sum, part, at) => sum + part * color[at]!, 0),
      ),
    );
  return [mix(matrix[0]), mix(matrix[1]), mix(matrix[2])];
}

/** OKLab (Ottosson, 2020): distances in it are near to what is seen; two greys a hundredth apart are just told apart. */
function oklab([r, g, b]: Rgb): Rgb {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

const distance = (one: Rgb, other: Rgb): number => Math.hypot(...one.map((part, at) => part - other[at]!));

const SURFACES = ['surface', 'surface-raised', 'surface-sunken'];

describe.each(['light', 'dark'] as const)('the palette in the %s scheme', (scheme) => {
  const color = (name: string): Rgb => colorOf(name, scheme);

  it('has text that can be read on every surface', () => {
    for (const surface of [...SURFACES, 'accent-tint']) {
      for (const text of ['text', 'text-muted', 'accent']) {
        expect(contrast(color(text), color(surface)), `${text} on ${surface}`).toBeGreaterThanOrEqual(4.5);
      }
    }
  });

  it('has lines that can be seen where they mean something', () => {
    for (const surface of SURFACES) {
      expect(contrast(color('line-strong'), color(surface)), surface).toBeGreaterThanOrEqual(3);
    }
  });

  it.each(PLUGIN_STATES)('has %s in ink that can be read, and in a fill that can be seen and read upon', (state) => {
    const ink = color(`state-${state}-ink`);
    const fill = color(`state-${state}-fill`);
    for (const surface of [...SURFACES, `state-${state}-tint`, 'accent-tint']) {
      expect(contrast(ink, color(surface)), `ink on ${surface}`).toBeGreaterThanOrEqual(4.5);
    }
    expect(contrast(color('text'), color(`state-${state}-tint`)), 'text on its tint').toBeGreaterThanOrEqual(4.5);
    for (const surface of SURFACES) {
      expect(contrast(fill, color(surface)), `fill on ${surface}`).toBeGreaterThanOrEqual(3);
    }
    expect(contrast(color('on-fill'), fill), 'text on the fill').toBeGreaterThanOrEqual(4.5);
  });

  it.each(Object.keys(VISIONS))('has six states that are told apart with %s', (vision) => {
    for (const [index, one] of PLUGIN_STATES.entries()) {
      for (const other of PLUGIN_STATES.slice(index + 1)) {
        const [a, b] = [one, other].map((state) => oklab(seen(color(`state-${state}-ink`), VISIONS[vision]!)));
        expect(distance(a!, b!), `${one} and ${other}`).toBeGreaterThanOrEqual(0.03);
      }
    }
  });
});

describe('the marks of the states', () => {
  it.each(['letter', 'shape', 'pattern'] as const)('have no two with the same %s', (part) => {
    expect(new Set(PLUGIN_STATES.map((state) => STATE_MARKS[state][part])).size).toBe(PLUGIN_STATES.length);
  });
});
