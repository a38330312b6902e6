/** What models write, and what can be done with it. */
const markdown = {
  new_tab: "opens in a new tab",
  image: "Picture, not loaded: {alt}",
  image_nameless: "Picture, not loaded",
  copy_code: "Copy code",
};

export default markdown;
