/** Where two runs are side by side: what became of the left one in the right one. */
export function comparePath(left: string, right: string): string {
  return `/runs/compare?${new URLSearchParams({ left, right }).toString()}`;
}
