/** Words of the list of flows. */
const flows = {
  title: "Flows",
  about: "How models work together: those of the library, of your files, and the ones that you draw.",
  search: "Search by name, description or role",
  import: "Import",
  none: "There are no flows here yet",
  not_found: "No flow has these words",
  more: "Show more ({count} left)",
  broken: "The file {file} is no flow yet: {problem}",
  origin: { label: "Where from", all: "All", stored: "Yours", file: "Files", library: "Library" },
  published: "Version {version} published",
  draft: "Draft, version {version}",
  problems: "{count, plural, one {# problem} other {# problems}}",
  actions: "Actions of {name}",
  duplicate: "Duplicate",
  export: "Export",
  delete: "Delete",
  delete_title: "Delete {name}?",
  delete_body: "It is gone from here and for whoever runs it. Its versions stay for the runs that name them.",
  delete_beneath: "Your drafts of it are gone from here; the flow of the library or the file beneath them stays.",
  deleted: "{name} was deleted.",
  new: {
    button: "New flow",
    title: "New flow",
    name: "Name",
    hint: "You can change it at any time.",
    id: "Commands and other flows call it {id}.",
    create: "Create",
  },
};

export default flows;
