/** What the badges say that tell whether a flow was worth its price. */
const worth = {
  label: "Worth it?",
  verdict: { better: "Worth it", worse: "Not worth it", no_difference: "No gain", inconclusive: "Not clear yet", refused: "Not comparable" },
  unequal: "Nothing can be claimed: {baseline} cost {ratio, number} times as much.",
  no_price: "Nothing can be claimed: what one of the two costs is not known.",
  expired: "No longer holds",
  points: "{value} points",
  interval: "{low} to {high} points against {baseline}",
  on: "{items, plural, one {# item} other {# items}} of {dataset}",
};

export default worth;
