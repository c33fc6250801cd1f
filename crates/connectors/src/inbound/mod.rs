//! Messages in, from places that partners write to.

pub mod folder;
