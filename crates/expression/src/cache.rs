//! One compiled program per source.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::program::{Error, Program};

/// Programs kept; the cache starts again when it is full, so that its memory is bounded and its behaviour plain.
pub const CACHE_PROGRAMS_MAX: usize = 4096;

/// Programs by source and variable names.
#[derive(Default)]
pub struct Cache {
    programs: BTreeMap<(String, Vec<String>), Arc<Program>>,
}

impl Cache {
    pub fn compile(&mut self, source: &str, variables: &[&str]) -> Result<Arc<Program>, Error> {
        let key = (source.to_owned(), variables.iter().map(|it| (*it).to_owned()).collect());
        if let Some(known) = self.programs.get(&key) {
            return Ok(known.clone());
        }
        let program = Arc::new(Program::compile(source, variables)?);
        if self.programs.len() >= CACHE_PROGRAMS_MAX {
            self.programs.clear();
        }
        self.programs.insert(key, program.clone());
        Ok(program)
    }

    pub fn len(&self) -> usize {
        self.programs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }
}
