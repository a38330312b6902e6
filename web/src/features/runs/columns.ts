/** The columns of the list, the same for its head and its rows: a table where there is room, cards where there is none. */
export const COLUMNS =
  "grid gap-x-3 grid-cols-[1.25rem_auto_minmax(0,1fr)_auto] grid-rows-[1.75rem_1fr_1.25rem] " +
  "md:grid-cols-[1.25rem_9.5rem_minmax(0,1fr)_9rem_5rem_5.5rem_7.5rem_4rem] md:grid-rows-1";

export const ROW_PX = 44;
export const CARD_PX = 112;
