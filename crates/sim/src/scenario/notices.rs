//! What scenarios say of notices.

use super::{Runner, same, word};
use crate::setup::partner_id;

impl Runner<'_> {
    /// The newest notice to a partner.
    pub(super) fn check_notice(&self, to: &str, state: &str) -> Result<(), String> {
        let known = self.state();
        let newest = known.notices.iter().rev().find(|it| it.to == partner_id(to));
        let newest = newest.ok_or_else(|| format!("there is no notice to {to}"))?;
        same("the notice", &word(&newest.state).as_str(), &state)
    }

    /// The newest letter, as its receiver reads it. A boundary that cannot open what a person wrote takes it as it is.
    pub(super) fn check_letter(&self, to: &str, words: &str) -> Result<(), String> {
        let letters = self.boundary.letters()?;
        let newest = letters.iter().rev().find(|it| it.to == to);
        let newest = newest.ok_or_else(|| format!("{to} has no letter"))?;
        match &newest.subject {
            Some(subject) if subject.contains(words) => Ok(()),
            None => Ok(()),
            Some(subject) => Err(format!("the letter says {subject:?}")),
        }
    }
}
