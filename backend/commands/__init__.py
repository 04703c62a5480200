"""The commands of `bashgah`, a module each; `backend.cli` loads only the one that runs."""
