//! The one writing connection, and what becomes of an append when it breaks.
//!
//! Invariant: every write holds the row of `meta` under the owner's epoch and this connection's session number. A new
//! connection first raises the number, and waits for the row while an old one's statement still runs: after that the
//! old one can write no more, and the head tells whether its last batch is in the log.

use super::error::Failure;
use super::session::{Session, Target};
use super::text::encode;
use crate::batch::PackedTurn;
use sha2::{Digest, Sha256};
use signalbox_model::id::Seq;
use signalbox_runtime::ports::{Epoch, Positions, StoreError};

#[derive(Default)]
pub(super) struct Writer {
    session: Option<Session>,
    held: Option<Held>,
    /// The batch whose answer a lost connection kept back.
    doubt: Option<Doubt>,
}

#[derive(Clone, Copy)]
struct Held {
    epoch: Epoch,
    /// This connection's number.
    session: i64,
    head: i64,
}

struct Doubt {
    digest: [u8; 32],
    count: i64,
    /// Known once a new connection has read the head.
    written_before: Option<i64>,
}

impl Writer {
    /// A new owner reads the log again, so that no doubt outlives this.
    pub fn acquire(&mut self, target: &Target, owner: &str) -> Result<Epoch, Failure> {
        let mut session = match self.session.take().filter(|it| !it.is_closed()) {
            Some(session) => session,
            None => target.connect()?,
        };
        let row = session.query_one(include_str!("queries/acquire.sql"), &[&encode(owner)])?;
        let epoch = row.try_get::<_, i64>(0)?.cast_unsigned();
        *self = Self {
            session: Some(session),
            held: Some(Held {
                epoch,
                session: row.try_get(1)?,
                head: row.try_get(2)?,
            }),
            doubt: None,
        };
        Ok(epoch)
    }

    pub fn append(&mut self, target: &Target, epoch: Epoch, turns: &[PackedTurn<'_>]) -> Result<Seq, Failure> {
        let digest = digest(turns);
        let count = turns.len() as i64;
        self.connected(target, epoch)?;
        if let Some(first) = self.answer_doubt(digest)? {
            return Ok(first);
        }
        let (session, held) = self.connected(target, epoch)?;
        match send(session, *held, turns) {
            Ok(Some(before)) => {
                held.head = before + count;
                Ok(before.cast_unsigned() + 1)
            }
            Ok(None) => Err(StoreError::Fenced { held: epoch }.into()),
            Err(failure) if failure.lost => {
                self.session = None;
                self.doubt = Some(Doubt {
                    digest,
                    count,
                    written_before: None,
                });
                // At once, if the database can be reached; else the next call settles it.
                self.connected(target, epoch)?;
                self.answer_doubt(digest)?.ok_or(failure)
            }
            Err(failure) => Err(failure),
        }
    }

    /// A write in one transaction. What is lost with the connection may be written again: all such writes say what
    /// shall be, not what to add.
    pub fn write<R>(
        &mut self,
        target: &Target,
        epoch: Epoch,
        work: impl FnOnce(&mut Session, Positions) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let (session, held) = self.connected(target, epoch)?;
        let written = transact(session, *held, work);
        if let Err(failure) = &written {
            let clean = !failure.lost && session.run("ROLLBACK").is_ok();
            if !clean {
                self.session = None;
            }
        }
        written
    }

    fn connected(&mut self, target: &Target, epoch: Epoch) -> Result<(&mut Session, &mut Held), Failure> {
        let fenced = || Failure::from(StoreError::Fenced { held: epoch });
        let held = self.held.as_mut().filter(|it| it.epoch == epoch).ok_or_else(fenced)?;
        let session = match self.session.take().filter(|it| !it.is_closed()) {
            Some(session) => session,
            None => take_up_again(target, held, self.doubt.as_mut())?,
        };
        Ok((self.session.insert(session), held))
    }

    /// Where the batch in doubt turns out written, the same batch is answered and any other one refused: its sender
    /// does not know what the log holds.
    fn answer_doubt(&mut self, digest: [u8; 32]) -> Result<Option<Seq>, Failure> {
        let Some(Doubt {
            written_before: Some(before),
            digest: doubted,
            ..
        }) = self.doubt
        else {
            self.doubt = None;
            return Ok(None);
        };
        if doubted != digest {
            let told = "the last append was written though its answer was lost; read the log again".to_owned();
            return Err(StoreError::Broken(told).into());
        }
        self.doubt = None;
        Ok(Some(before.cast_unsigned() + 1))
    }
}

fn take_up_again(target: &Target, held: &mut Held, doubt: Option<&mut Doubt>) -> Result<Session, Failure> {
    let mut session = target.connect()?;
    let row = session.query_opt(include_str!("queries/take_up_again.sql"), &[&held.epoch.cast_signed()])?;
    let row = row.ok_or(StoreError::Fenced { held: held.epoch })?;
    let (number, head): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let grown = head - held.head;
    match doubt {
        _ if grown == 0 => {}
        Some(doubt) if grown == doubt.count => doubt.written_before = Some(held.head),
        _ => return Err(StoreError::Broken(format!("the log grew by {grown} under one owner")).into()),
    }
    held.session = number;
    held.head = head;
    Ok(session)
}

fn transact<R>(
    session: &mut Session,
    held: Held,
    work: impl FnOnce(&mut Session, Positions) -> Result<R, Failure>,
) -> Result<R, Failure> {
    session.run("BEGIN")?;
    let row = session.query_opt(
        include_str!("queries/hold.sql"),
        &[&held.epoch.cast_signed(), &held.session],
    )?;
    let row = row.ok_or(StoreError::Fenced { held: held.epoch })?;
    let (head, indexed): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let answer = work(
        session,
        Positions {
            head: head.cast_unsigned(),
            indexed: indexed.cast_unsigned(),
        },
    )?;
    session.run("COMMIT")?;
    Ok(answer)
}

/// The whole batch in one statement, which is one transaction. `None` when fenced.
fn send(session: &mut Session, held: Held, turns: &[PackedTurn<'_>]) -> Result<Option<i64>, Failure> {
    let tenants: Vec<_> = turns.iter().map(|turn| encode(turn.tenant)).collect();
    let streams: Vec<_> = turns.iter().map(|turn| encode(turn.stream)).collect();
    let versions: Vec<i64> = turns.iter().map(|turn| turn.version.cast_signed()).collect();
    let bodies: Vec<&[u8]> = turns.iter().map(|turn| turn.body.as_slice()).collect();
    let (mut places, mut raws) = (Vec::new(), Vec::new());
    let (mut key_tenants, mut subjects, mut wrapped) = (Vec::new(), Vec::new(), Vec::new());
    for (turn, place) in turns.iter().zip(1i64..) {
        if let Some(raw) = turn.raw {
            places.push(place);
            raws.push(raw);
        }
        for key in turn.keys {
            key_tenants.push(encode(turn.tenant));
            subjects.push(encode(key.subject.as_str()));
            wrapped.push(key.wrapped.as_slice());
        }
    }
    let row = session.query_one(
        include_str!("queries/append_turns.sql"),
        &[
            &held.epoch.cast_signed(),
            &held.session,
            &tenants,
            &streams,
            &versions,
            &bodies,
            &places,
            &raws,
            &key_tenants,
            &subjects,
            &wrapped,
        ],
    )?;
    Ok(row.try_get(0)?)
}

/// Tells a batch tried again from another one.
fn digest(turns: &[PackedTurn<'_>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for turn in turns {
        for part in [
            turn.tenant.as_bytes(),
            turn.stream.as_bytes(),
            &turn.version.to_be_bytes(),
            &turn.body,
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hash.finalize().into()
}
