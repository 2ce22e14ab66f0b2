/**
 * A new element. Everything that comes from etcd gets in as text, never as HTML.
 * @param {string} tag
 * @param {Record<string, string>} [attributes] `text` is its content
 * @param {readonly Node[]} [children]
 */
export function element(tag, { text, ...attributes } = {}, children = []) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/**
 * The element of the page with this id.
 * @param {string} id
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found;
}

/**
 * Sets a text only where it changes: a screen reader is not told the same again, and a selection stays.
 * @param {Element} where
 * @param {string} text
 */
export function setText(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

/**
 * Makes the children of `parent` these, in this order, and touches only what is not so.
 * @param {Element} parent
 * @param {readonly Element[]} wanted
 */
export function arrange(parent, wanted) {
  const staying = new Set(wanted);
  for (const child of [...parent.children]) if (!staying.has(child)) child.remove();
  for (const [index, child] of wanted.entries()) {
    const there = parent.children[index] ?? null;
    if (there !== child) parent.insertBefore(child, there);
  }
}

/**
 * Elements by key that outlive each change: what is open, focused or on its way stays so.
 * @template T
 * @param {(item: T) => HTMLElement} create
 * @param {(made: HTMLElement, item: T) => void} update
 */
export function keyed(create, update) {
  /** @type {Map<string, HTMLElement>} */
  let known = new Map();
  /**
   * @param {readonly T[]} items
   * @param {(item: T) => string} keyOf
   */
  return (items, keyOf) => {
    /** @type {Map<string, HTMLElement>} */
    const next = new Map();
    for (const item of items) {
      const made = known.get(keyOf(item)) ?? create(item);
      update(made, item);
      next.set(keyOf(item), made);
    }
    known = next;
    return next;
  };
}
