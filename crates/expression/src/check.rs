//! Judging a parsed program before it is compiled.
//!
//! The invariant: what leaves here defines nothing in terms of itself, nests at most [`NESTING_MAX`] deep, and pays a step on each
//! branch of every `,` and on each round of every `reduce` and `foreach`: the places where work multiplies unseen by the values.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::path::{Part, Path};

/// How deep a program may nest, after parsing.
pub(crate) const NESTING_MAX: usize = 160;
/// The native that pays one step and passes its input on.
pub(crate) const STEP: &str = "!step";

type Src<'s> = Term<&'s str>;

/// A name that a call may mean, innermost last.
struct Known<'s> {
    name: &'s str,
    arity: usize,
    /// Its own body is being read: calling it now would be recursion.
    open: bool,
}

#[derive(Default)]
pub(crate) struct Check<'s> {
    known: Vec<Known<'s>>,
    depth: usize,
    /// Filters called that the program does not define itself.
    pub(crate) calls: Vec<(&'s str, usize)>,
    /// Variables read, including those the program binds itself.
    pub(crate) variables: Vec<&'s str>,
}

impl<'s> Check<'s> {
    /// The same definition, made to pay its way.
    pub(crate) fn definition(&mut self, def: Def<&'s str>) -> Result<Def<&'s str>, String> {
        let outside = self.known.len();
        self.known.push(Known {
            name: def.name,
            arity: def.args.len(),
            open: true,
        });
        for argument in &def.args {
            self.known.push(Known {
                name: argument.trim_start_matches('$'),
                arity: 0,
                open: false,
            });
        }
        let body = self.term(def.body)?;
        self.known.truncate(outside);
        self.known.push(Known {
            name: def.name,
            arity: def.args.len(),
            open: false,
        });
        Ok(Def {
            name: def.name,
            args: def.args,
            body,
        })
    }

    pub(crate) fn term(&mut self, term: Src<'s>) -> Result<Src<'s>, String> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(format!(
                "it nests more than {NESTING_MAX} deep; name its parts in steps of their own"
            ));
        }
        let term = self.inner(term)?;
        self.depth -= 1;
        Ok(term)
    }

    fn inner(&mut self, term: Src<'s>) -> Result<Src<'s>, String> {
        Ok(match term {
            Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) => term,
            Term::Var(name) => {
                self.variables.push(name);
                term
            }
            Term::Str(format, parts) => {
                if let Some(format) = format {
                    self.calls.push((format, 0));
                }
                let part = |it| match it {
                    StrPart::Term(term) => self.term(term).map(StrPart::Term),
                    other => Ok(other),
                };
                Term::Str(format, parts.into_iter().map(part).collect::<Result<_, String>>()?)
            }
            Term::Arr(items) => Term::Arr(self.maybe(items)?),
            Term::Obj(fields) => Term::Obj(self.fields(fields)?),
            Term::Neg(it) => Term::Neg(self.boxed(it)?),
            Term::BinOp(left, operation, right) => self.operation(*left, operation, *right)?,
            Term::Label(name, it) => Term::Label(name, self.boxed(it)?),
            Term::Fold(kind, items, pattern, rounds) => self.fold(kind, *items, pattern, rounds)?,
            Term::TryCatch(it, catch) => Term::TryCatch(self.boxed(it)?, self.maybe(catch)?),
            Term::IfThenElse(cases, otherwise) => {
                let case = |(when, then)| Ok((self.term(when)?, self.term(then)?));
                let cases = cases.into_iter().map(case).collect::<Result<_, String>>()?;
                Term::IfThenElse(cases, self.maybe(otherwise)?)
            }
            Term::Def(definitions, it) => {
                let outside = self.known.len();
                let definitions = definitions.into_iter().map(|it| self.definition(it));
                let definitions = definitions.collect::<Result<_, String>>()?;
                let it = self.boxed(it)?;
                self.known.truncate(outside);
                Term::Def(definitions, it)
            }
            Term::Call(name, arguments) => {
                self.call(name, arguments.len())?;
                Term::Call(
                    name,
                    arguments
                        .into_iter()
                        .map(|it| self.term(it))
                        .collect::<Result<_, String>>()?,
                )
            }
            Term::Path(it, Path(parts)) => {
                let it = self.boxed(it)?;
                let parts = parts.into_iter().map(|(part, opt)| Ok((self.part(part)?, opt)));
                Term::Path(it, Path(parts.collect::<Result<_, String>>()?))
            }
        })
    }

    fn boxed(&mut self, mut it: Box<Src<'s>>) -> Result<Box<Src<'s>>, String> {
        *it = self.term(std::mem::take(&mut it))?;
        Ok(it)
    }

    fn maybe(&mut self, it: Option<Box<Src<'s>>>) -> Result<Option<Box<Src<'s>>>, String> {
        it.map(|it| self.boxed(it)).transpose()
    }

    fn fields(&mut self, fields: Vec<(Src<'s>, Option<Src<'s>>)>) -> Result<Vec<(Src<'s>, Option<Src<'s>>)>, String> {
        let field =
            |(key, it): (Src<'s>, Option<Src<'s>>)| Ok((self.term(key)?, it.map(|it| self.term(it)).transpose()?));
        fields.into_iter().map(field).collect()
    }

    fn part(&mut self, part: Part<Src<'s>>) -> Result<Part<Src<'s>>, String> {
        let mut bound = |it: Option<Src<'s>>| it.map(|it| self.term(it)).transpose();
        Ok(match part {
            Part::Range(from, until) => Part::Range(bound(from)?, bound(until)?),
            Part::Index(it) => Part::Index(self.term(it)?),
        })
    }

    fn operation(&mut self, left: Src<'s>, operation: BinaryOp<&'s str>, right: Src<'s>) -> Result<Src<'s>, String> {
        let left = self.term(left)?;
        let (left, operation, right) = match operation {
            BinaryOp::Comma => (paid(left), BinaryOp::Comma, paid(self.term(right)?)),
            BinaryOp::Pipe(Some(pattern)) => {
                let pattern = self.pattern(pattern)?;
                (left, BinaryOp::Pipe(Some(pattern)), self.term(right)?)
            }
            other => (left, other, self.term(right)?),
        };
        Ok(Term::BinOp(Box::new(left), operation, Box::new(right)))
    }

    fn fold(
        &mut self,
        kind: &'s str,
        items: Src<'s>,
        pattern: Pattern<&'s str>,
        rounds: Vec<Src<'s>>,
    ) -> Result<Src<'s>, String> {
        let items = self.term(items)?;
        let pattern = self.pattern(pattern)?;
        let round = |(at, it)| {
            let it = self.term(it)?;
            Ok(if at == 1 { paid(it) } else { it })
        };
        let rounds = rounds
            .into_iter()
            .enumerate()
            .map(round)
            .collect::<Result<_, String>>()?;
        Ok(Term::Fold(kind, Box::new(items), pattern, rounds))
    }

    fn pattern(&mut self, pattern: Pattern<&'s str>) -> Result<Pattern<&'s str>, String> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(format!("it nests more than {NESTING_MAX} deep"));
        }
        let pattern = match pattern {
            Pattern::Var(name) => Pattern::Var(name),
            Pattern::Arr(parts) => Pattern::Arr(
                parts
                    .into_iter()
                    .map(|it| self.pattern(it))
                    .collect::<Result<_, String>>()?,
            ),
            Pattern::Obj(parts) => {
                let part = |(key, it)| Ok((self.term(key)?, self.pattern(it)?));
                Pattern::Obj(parts.into_iter().map(part).collect::<Result<_, String>>()?)
            }
        };
        self.depth -= 1;
        Ok(pattern)
    }

    fn call(&mut self, name: &'s str, arity: usize) -> Result<(), String> {
        match self.known.iter().rev().find(|it| it.name == name && it.arity == arity) {
            Some(Known { open: true, .. }) => Err(format!(
                "`{name}` is defined by calling itself; use `reduce`, `map` or `limit` instead"
            )),
            Some(_) => Ok(()),
            None => {
                self.calls.push((name, arity));
                Ok(())
            }
        }
    }
}

fn paid<'s>(term: Src<'s>) -> Src<'s> {
    let step = Term::Call(STEP, Vec::new());
    Term::BinOp(Box::new(step), BinaryOp::Pipe(None), Box::new(term))
}
