"""The files of models: found, fetched, held at one version, and refused where they are not what they should be."""
