// Which runs are marked to be compared: two at the most, whatever the list shows meanwhile.
import { create } from "zustand";

export const MOST = 2;

interface ChosenState {
  chosen: readonly string[];
  toggle: (runId: string) => void;
  clear: () => void;
}

export const useChosen = create<ChosenState>((set) => ({
  chosen: [],
  toggle: (runId) =>
    set(({ chosen }) => {
      if (chosen.includes(runId)) return { chosen: chosen.filter((id) => id !== runId) };
      return chosen.length < MOST ? { chosen: [...chosen, runId] } : {};
    }),
  clear: () => set({ chosen: [] }),
}));
