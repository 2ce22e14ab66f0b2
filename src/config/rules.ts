import * as z from 'zod';

/** The outcome of reading a text: its value, or the sentence that says what is allowed ("must be …"). */
export type Reading<T> = { readonly value: T } | { readonly refused: string };

/** A whole number within bounds. Environment and file give text, of which only decimal notation is a number. */
export function wholeNumber(minimum: number, maximum: number) {
  return bounded(minimum, maximum, `must be a whole number from ${minimum} to ${maximum}`);
}

/** A duration in whole milliseconds. */
export function milliseconds(minimum: number, maximum: number) {
  return bounded(minimum, maximum, `must be whole milliseconds from ${minimum} to ${maximum}`);
}

/** A duration in milliseconds that etcd counts in seconds. */
export function wholeSeconds(minimum: number, maximum: number) {
  const error = `must be milliseconds in whole seconds (a multiple of 1000) from ${minimum} to ${maximum}`;
  return z.preprocess(
    numberFromText,
    z.int({ error }).min(minimum, { error }).max(maximum, { error }).multipleOf(1000, { error }),
  );
}

/** A number within bounds, fractions allowed. */
export function decimal(minimum: number, maximum: number) {
  const error = `must be a number from ${minimum} to ${maximum}`;
  return z.preprocess(numberFromText, z.number({ error }).min(minimum, { error }).max(maximum, { error }));
}

/** One of a few words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, { error: `must be one of ${words.join(', ')}` });
}

/** A text that `read` turns into a value or refuses. */
export function text<T>(read: (text: string) => Reading<T>) {
  return z.string({ error: 'must be a text' }).transform((given, context) => {
    const reading = read(given);
    if ('value' in reading) return reading.value;
    context.addIssue({ code: 'custom', message: reading.refused });
    return z.NEVER;
  });
}

/** A text that may be left out; an empty one is left out. */
export function optionalText<T>(read: (text: string) => Reading<T>) {
  return z.preprocess((given) => (given === '' ? undefined : given), text(read).optional());
}

/** A list, or its items in one text with commas between them. */
export function list<Item extends z.ZodType>(item: Item, error: string) {
  return z.preprocess(
    (given) => (typeof given === 'string' ? splitAtCommas(given) : given),
    z.array(item, { error }).min(1, { error }),
  );
}

function bounded(minimum: number, maximum: number, error: string) {
  return z.preprocess(numberFromText, z.int({ error }).min(minimum, { error }).max(maximum, { error }));
}

function numberFromText(given: unknown): unknown {
  return typeof given === 'string' && /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(given) ? Number(given) : given;
}

function splitAtCommas(given: string): string[] {
  return given
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
