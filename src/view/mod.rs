//! The page and its server (empty).
