//! What the interpreter may do with a value, each thing paid for before it is done.

use std::collections::BTreeMap;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::rc::Rc;

use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::ops::Math;
use jaq_core::path::Opt;
use jaq_core::{Error, Exn, ValR, ValX, val};

use crate::meter;
use crate::value::{COMPARED_PER_STEP, Fields, Items, Val};

type Range<'v> = val::Range<&'v Val>;

/// The error of a run that is over. What it says is replaced by the limit it met.
pub(crate) fn spent() -> Error<Val> {
    Error::new(Val::Null)
}

pub(crate) fn pay(steps: usize) -> Result<(), Error<Val>> {
    if meter::charge(steps) { Ok(()) } else { Err(spent()) }
}

fn math(left: Val, operation: Math, right: Val) -> ValR<Val> {
    Err(Error::math(left, operation, right))
}

fn float(val: &Val) -> Option<f64> {
    match val {
        Val::Int(it) => Some(*it as f64),
        Val::Float(it) => Some(*it),
        _ => None,
    }
}

fn numbers(
    left: &Val,
    right: &Val,
    ints: impl Fn(i64, i64) -> Option<i64>,
    floats: impl Fn(f64, f64) -> f64,
) -> Option<Val> {
    if let (Val::Int(l), Val::Int(r)) = (left, right)
        && let Some(int) = ints(*l, *r)
    {
        return Some(Val::Int(int));
    }
    Some(Val::Float(floats(float(left)?, float(right)?)))
}

impl Add for Val {
    type Output = ValR<Val>;
    fn add(self, right: Val) -> ValR<Val> {
        pay(0)?;
        if let Some(sum) = numbers(&self, &right, i64::checked_add, |l, r| l + r) {
            return Ok(sum);
        }
        match (self, right) {
            (Val::Null, it) | (it, Val::Null) => Ok(it),
            (Val::Str(l), Val::Str(r)) => {
                pay((l.len() + r.len()) / meter::STRING_BYTES_PER_STEP)?;
                Ok(Val::text(&[&*l, &*r].concat()))
            }
            (Val::Arr(l), Val::Arr(r)) => {
                let copied = if Rc::strong_count(&l) > 1 { l.list.len() } else { 0 };
                pay(copied + r.list.len())?;
                Ok(Val::extend(l, &r))
            }
            (Val::Obj(l), Val::Obj(r)) => {
                pay(l.map.len() + r.map.len())?;
                let mut map = owned_map(l);
                map.extend(r.map.iter().map(|(key, it)| (key.clone(), it.clone())));
                Ok(Val::object(map))
            }
            (l, r) => math(l, Math::Add, r),
        }
    }
}

impl Sub for Val {
    type Output = ValR<Val>;
    fn sub(self, right: Val) -> ValR<Val> {
        pay(0)?;
        if let Some(difference) = numbers(&self, &right, i64::checked_sub, |l, r| l - r) {
            return Ok(difference);
        }
        match (self, right) {
            (Val::Arr(l), Val::Arr(r)) => {
                pay(l.list.len().saturating_mul(r.list.len()))?;
                let kept = l.list.iter().filter(|it| !r.list.contains(it)).cloned().collect();
                Ok(Val::array(kept))
            }
            (l, r) => math(l, Math::Sub, r),
        }
    }
}

impl Mul for Val {
    type Output = ValR<Val>;
    fn mul(self, right: Val) -> ValR<Val> {
        pay(0)?;
        if let Some(product) = numbers(&self, &right, i64::checked_mul, |l, r| l * r) {
            return Ok(product);
        }
        match (self, right) {
            (Val::Str(text), times @ (Val::Int(_) | Val::Float(_)))
            | (times @ (Val::Int(_) | Val::Float(_)), Val::Str(text)) => {
                let times = float(&times).unwrap_or(0.0);
                if times <= 0.0 || times.is_nan() {
                    return Ok(Val::Null);
                }
                let times = (times as usize).max(1);
                pay(text.len().saturating_mul(times) / meter::STRING_BYTES_PER_STEP)?;
                Ok(Val::text(&text.repeat(times)))
            }
            (Val::Obj(l), Val::Obj(r)) => {
                pay(l.map.len().saturating_add(Val::Obj(r.clone()).weight()))?;
                Ok(merge(l, r))
            }
            (l, r) => math(l, Math::Mul, r),
        }
    }
}

fn merge(left: Rc<Fields>, right: Rc<Fields>) -> Val {
    let mut map = owned_map(left);
    for (key, theirs) in &right.map {
        let both = match (map.remove(key), theirs) {
            (Some(Val::Obj(l)), Val::Obj(r)) => merge(l, r.clone()),
            (_, theirs) => theirs.clone(),
        };
        map.insert(key.clone(), both);
    }
    Val::object(map)
}

impl Div for Val {
    type Output = ValR<Val>;
    fn div(self, right: Val) -> ValR<Val> {
        pay(0)?;
        let exact = |l: i64, r: i64| if l.checked_rem(r)? == 0 { l.checked_div(r) } else { None };
        match (self, right) {
            (Val::Str(l), Val::Str(r)) => {
                pay(l.len())?;
                let parts: Vec<Val> = match (l.is_empty(), r.is_empty()) {
                    (true, _) => Vec::new(),
                    (false, true) => l.chars().map(|it| Val::text(it.encode_utf8(&mut [0; 4]))).collect(),
                    (false, false) => l.split(&*r).map(Val::text).collect(),
                };
                Ok(Val::array(parts))
            }
            (l, r) if float(&r) == Some(0.0) => math(l, Math::Div, r),
            (l, r) => match numbers(&l, &r, exact, |l, r| l / r) {
                Some(quotient) => Ok(quotient),
                None => math(l, Math::Div, r),
            },
        }
    }
}

impl Rem for Val {
    type Output = ValR<Val>;
    fn rem(self, right: Val) -> ValR<Val> {
        pay(0)?;
        if float(&right) == Some(0.0) {
            return math(self, Math::Rem, right);
        }
        match numbers(&self, &right, |l, r| Some(l.wrapping_rem(r)), |l, r| l % r) {
            Some(rest) => Ok(rest),
            None => math(self, Math::Rem, right),
        }
    }
}

impl Neg for Val {
    type Output = ValR<Val>;
    fn neg(self) -> ValR<Val> {
        match self {
            Val::Int(it) => Ok(it.checked_neg().map_or(Val::Float(-(it as f64)), Val::Int)),
            Val::Float(it) => Ok(Val::Float(-it)),
            other => Err(Error::typ(other, "a number")),
        }
    }
}

fn owned_map(fields: Rc<Fields>) -> BTreeMap<Rc<str>, Val> {
    Rc::unwrap_or_clone(fields).map
}

impl jaq_core::ValT for Val {
    fn from_num(text: &str) -> ValR<Self> {
        let int = text.parse().map(Val::Int);
        int.or_else(|_| text.parse().map(Val::Float)).map_err(Error::str)
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(iter: I) -> ValR<Self> {
        let mut map = BTreeMap::new();
        for (key, it) in iter {
            pay(0)?;
            let Val::Str(key) = key else {
                return Err(Error::typ(key, "the name of a field"));
            };
            map.insert(key, it);
        }
        Ok(Val::object(map))
    }

    fn key_values(self) -> BoxIter<'static, ValR<(Self, Self), Self>> {
        match self {
            Val::Arr(items) => Box::new((0..items.list.len()).map_while(move |at| {
                let it = items.list.get(at)?.clone();
                Some(pay(0).map(|()| (Val::from(at), it)))
            })),
            Val::Obj(fields) => {
                if let Err(over) = pay(fields.map.len()) {
                    return box_once(Err(over));
                }
                Box::new(owned_map(fields).into_iter().map(|(key, it)| Ok((Val::Str(key), it))))
            }
            other => box_once(Err(Error::typ(other, "an array or object"))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR<Self>>> {
        Box::new(self.key_values().map(|pair| pair.map(|(_, it)| it)))
    }

    fn index(self, index: &Self) -> ValR<Self> {
        pay(0)?;
        match (&self, index) {
            (Val::Null, Val::Str(_) | Val::Int(_) | Val::Float(_) | Val::Null) => Ok(Val::Null),
            (Val::Obj(fields), Val::Str(key)) => Ok(fields.map.get(key).cloned().unwrap_or_default()),
            (Val::Arr(items), Val::Int(_) | Val::Float(_)) => {
                let at = position(index, items.list.len());
                Ok(at.and_then(|at| items.list.get(at)).cloned().unwrap_or_default())
            }
            (Val::Arr(items), Val::Arr(part)) => crate::natives::indices_of(items, part),
            (Val::Null | Val::Arr(_) | Val::Str(_), Val::Obj(bounds)) => {
                let (start, end) = (bounds.map.get("start"), bounds.map.get("end"));
                self.range(start..end)
            }
            _ => Err(Error::index(self, index.clone())),
        }
    }

    fn range(self, range: Range<'_>) -> ValR<Self> {
        match &self {
            Val::Null => Ok(Val::Null),
            Val::Str(text) => {
                pay(text.len() / meter::STRING_BYTES_PER_STEP)?;
                let (from, until) = bounds(range, text.chars().count())?;
                let part: String = text.chars().skip(from).take(until - from).collect();
                Ok(Val::text(&part))
            }
            Val::Arr(items) => {
                let (from, until) = bounds(range, items.list.len())?;
                pay(until - from)?;
                Ok(Val::array(
                    items.list.iter().skip(from).take(until - from).cloned().collect(),
                ))
            }
            _ => Err(Error::typ(self, "an array or text")),
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(self, opt: Opt, f: impl Fn(Self) -> I) -> ValX<'a, Self> {
        match self {
            Val::Arr(items) => {
                pay(items.list.len())?;
                let list = Rc::unwrap_or_clone(items).list.into_iter().flat_map(f);
                Ok(Val::array(list.collect::<Result<_, _>>()?))
            }
            Val::Obj(fields) => {
                pay(fields.map.len())?;
                let fields = owned_map(fields).into_iter();
                let kept = fields.filter_map(|(key, it)| f(it).next().map(|it| Ok((key, it?))));
                Ok(Val::object(kept.collect::<Result<_, Exn<'a, Val>>>()?))
            }
            other => opt.fail(other, |it| Exn::from(Error::typ(it, "an array or object"))),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        match (self, index) {
            (Val::Null, Val::Str(_)) => update_field(Rc::default(), index, f),
            (Val::Obj(fields), Val::Str(_)) => update_field(fields, index, f),
            (Val::Null, Val::Int(_) | Val::Float(_)) => update_item(Rc::default(), index, opt, f),
            (Val::Arr(items), Val::Int(_) | Val::Float(_)) => update_item(items, index, opt, f),
            (whole @ (Val::Arr(_) | Val::Null), Val::Obj(bounds)) => {
                let (start, end) = (bounds.map.get("start"), bounds.map.get("end"));
                whole.map_range(start..end, opt, f)
            }
            (other, _) => opt.fail(other, |it| Exn::from(Error::index(it, index.clone()))),
        }
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<'_>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        let items = match self {
            Val::Arr(items) => items,
            Val::Null => Rc::default(),
            other => return opt.fail(other, |it| Exn::from(Error::typ(it, "an array"))),
        };
        pay(items.list.len())?;
        let (from, until) = bounds(range, items.list.len())?;
        let part = items.list.iter().skip(from).take(until - from).cloned().collect();
        let new = match f(Val::array(part)).next().transpose()? {
            Some(Val::Arr(new)) => new,
            None => Rc::default(),
            Some(other) => return Err(Exn::from(Error::typ(other, "an array"))),
        };
        pay(new.list.len())?;
        let (head, tail) = (items.list.iter().take(from), items.list.iter().skip(until));
        Ok(Val::array(head.chain(&new.list).chain(tail).cloned().collect()))
    }

    fn as_bool(&self) -> bool {
        !matches!(self, Val::Null | Val::Bool(false))
    }

    fn into_string(self) -> Self {
        match self {
            Val::Str(_) => self,
            other if meter::charge(other.weight()) => Val::text(&other.to_json_text()),
            _ => Val::Null,
        }
    }
}

fn update_field<'a, I: Iterator<Item = ValX<'a, Val>>>(
    fields: Rc<Fields>,
    key: &Val,
    f: impl Fn(Val) -> I,
) -> ValX<'a, Val> {
    let Val::Str(key) = key else {
        return Ok(Val::Obj(fields));
    };
    pay(fields.map.len())?;
    let mut map = owned_map(fields);
    let old = map.remove(key).unwrap_or_default();
    if let Some(new) = f(old).next().transpose()? {
        map.insert(key.clone(), new);
    }
    Ok(Val::object(map))
}

fn update_item<'a, I: Iterator<Item = ValX<'a, Val>>>(
    items: Rc<Items>,
    index: &Val,
    opt: Opt,
    f: impl Fn(Val) -> I,
) -> ValX<'a, Val> {
    pay(items.list.len())?;
    let mut list = Rc::unwrap_or_clone(items).list;
    let Some(at) = position(index, list.len()) else {
        let outside = |_| Exn::from(Error::str(format_args!("index {index} is outside the array")));
        return opt.fail(Val::array(list), outside);
    };
    pay(at.saturating_sub(list.len()))?;
    let old = list.get_mut(at).map(std::mem::take).unwrap_or_default();
    match f(old).next().transpose()? {
        Some(new) => {
            if list.len() <= at {
                list.resize(at + 1, Val::Null);
            }
            if let Some(slot) = list.get_mut(at) {
                *slot = new;
            }
        }
        None if at < list.len() => {
            list.remove(at);
        }
        None => {}
    }
    Ok(Val::array(list))
}

/// Where an index points; negative ones count from the end.
fn position(index: &Val, len: usize) -> Option<usize> {
    let at = match index {
        Val::Int(it) => *it,
        Val::Float(it) if it.is_finite() => it.floor() as i64,
        _ => return None,
    };
    let at = if at < 0 {
        at.checked_add(i64::try_from(len).ok()?)?
    } else {
        at
    };
    usize::try_from(at).ok()
}

/// The part of a list or text that a slice means, as `from <= until <= len`.
fn bounds(range: Range<'_>, len: usize) -> Result<(usize, usize), Error<Val>> {
    let bound = |it: Option<&Val>, default: usize| match it {
        None | Some(Val::Null) => Ok(default),
        Some(at @ (Val::Int(_) | Val::Float(_))) => Ok(position(at, len).unwrap_or(0).min(len)),
        Some(other) => Err(Error::typ(other.clone(), "an index")),
    };
    let from = bound(range.start, 0)?;
    Ok((from, bound(range.end, len)?.max(from)))
}

impl jaq_std::ValT for Val {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        let Val::Arr(items) = &self else { return Err(self) };
        // Enough for a sort: each level of a merge compares everything once.
        let levels = (usize::BITS - items.list.len().leading_zeros()) as usize;
        if !meter::charge(self.weight().saturating_mul(levels) / COMPARED_PER_STEP) {
            return Err(self);
        }
        Ok(items.list.iter().cloned().collect())
    }

    fn is_int(&self) -> bool {
        matches!(self, Val::Int(_))
    }

    fn as_isize(&self) -> Option<isize> {
        if let Val::Int(it) = self {
            isize::try_from(*it).ok()
        } else {
            None
        }
    }

    fn as_f64(&self) -> Option<f64> {
        float(self)
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Val::Str(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        if let Val::Str(it) = self {
            Some(it.as_bytes())
        } else {
            None
        }
    }

    fn as_sub_str(&self, sub: &[u8]) -> Self {
        Self::from_utf8_bytes(sub.to_vec())
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        let _paid = meter::charge_bytes(bytes.as_ref().len());
        Val::text(&String::from_utf8_lossy(bytes.as_ref()))
    }
}
