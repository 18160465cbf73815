/** The fields of an object of data. */
export type Fields = Record<string, unknown>;

/** Sets a field of an object, also one named `__proto__`, which an assignment would make the object's prototype. */
export function setField(object: Fields, name: string, value: unknown): void {
  if (name !== '__proto__') object[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

/** A plain object with the own fields of another. V8 takes some 5 µs to add a field to what `{ ...object }` has made. */
export function copyFields(object: object): Fields {
  const copy: Fields = {};
  for (const name of Object.keys(object)) setField(copy, name, (object as Readonly<Fields>)[name]);
  return copy;
}
