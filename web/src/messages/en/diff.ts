/** What became of a text. */
const diff = {
  label: "From “{before}” to “{after}”",
  before: "Before",
  after: "After",
  same: "The same, word for word.",
  both_empty: "Both are empty.",
  hidden: "{count, plural, one {# line that is the same} other {# lines that are the same}}",
};

export default diff;
