// Questions that the built-in demonstration model takes: it knows little, and a newcomer should not begin with a refusal.

export const EXAMPLES = [
  "Anna has 347 stamps. Then Anna buys 285 more. How many stamps are there now?",
  "Ada has 47 apples. Ada buys 38 more. Then Ada sells 19 apples. How many apples are left?",
  "What is 47 + 85 - 20?",
] as const;
