"""The drawings of a report, each as one SVG that is as wide as it is asked to be."""
