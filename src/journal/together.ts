import type { Journal } from '../journal.ts';

/** A journal of which a second one hears as well. */
export function together(journal: Journal, other: Partial<Journal>): Journal {
  const both = Object.entries(other).map(([name, hear]) => {
    const tell = journal[name as keyof Journal];
    return [name, (...told: never[]) => [tell, hear].forEach((one) => void (one as Tell)(...told))];
  });
  return { ...journal, ...Object.fromEntries(both) };
}

type Tell = (...told: never[]) => void;
