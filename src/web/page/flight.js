/** More addresses than these do not fly: nobody could follow them. */
const MOST_FLYING = 60;
const FLIGHT_MS = 700;

/**
 * Where the chips are that are about to change their card.
 * @param {readonly { readonly name: string, readonly addresses: readonly string[] }[]} wanted
 * @param {ReadonlyMap<string, HTMLElement>} cardOfName
 * @param {ReadonlyMap<string, HTMLElement>} chipOf
 * @returns {ReadonlyMap<HTMLElement, DOMRect>}
 */
export function positionsOf(wanted, cardOfName, chipOf) {
  const moving = wanted.flatMap(({ name, addresses }) =>
    addresses.flatMap((address) => {
      const chip = chipOf.get(address);
      const isMoving = chip?.isConnected && chip.closest('.card') !== cardOfName.get(name);
      return isMoving ? [chip] : [];
    }),
  );
  if (moving.length > MOST_FLYING) return new Map();
  return new Map(moving.map((chip) => [chip, chip.getBoundingClientRect()]));
}

/**
 * Lets each chip fly from where it was to where it is.
 * @param {ReadonlyMap<HTMLElement, DOMRect>} before
 */
export function fly(before) {
  const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  for (const [chip, from] of before) {
    chip.classList.remove('arrived');
    // Lets the highlight begin anew.
    void chip.offsetWidth;
    chip.classList.add('arrived');
    if (isCalm) continue;
    const to = chip.getBoundingClientRect();
    const start = `translate(${from.left - to.left}px, ${from.top - to.top}px)`;
    chip.animate(
      [
        { transform: start, zIndex: 2 },
        { transform: 'none', zIndex: 2 },
      ],
      {
        duration: FLIGHT_MS,
        easing: 'cubic-bezier(0.3, 0, 0.1, 1)',
      },
    );
  }
}
