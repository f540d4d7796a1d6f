//! Reads configuration: YAML with lines, references to the environment and files, the reference manual.
