//! Opens whatever a file holds, by its content (empty).
