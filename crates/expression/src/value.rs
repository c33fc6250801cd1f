//! The values a program computes with.
//!
//! The invariant: every array and object knows its exact weight and depth, and neither exceeds its limit. So comparing, printing or
//! dropping any one value is bounded work, however it was put together.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use serde_json::Value;

use crate::meter::{self, Limit, STRING_BYTES_PER_STEP};

/// The largest value, counted in scalars and in steps of text.
pub const WEIGHT_MAX: usize = 1_000_000;
/// Comparing is cheaper than making: so many scalars a step.
pub(crate) const COMPARED_PER_STEP: usize = 8;
/// The deepest nesting of arrays and objects.
pub const DEPTH_MAX: usize = 128;

#[derive(Clone, Debug, Default)]
pub(crate) enum Val {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Rc<str>),
    Arr(Rc<Items>),
    Obj(Rc<Fields>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Items {
    pub(crate) list: Vec<Val>,
    size: Size,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) map: BTreeMap<Rc<str>, Val>,
    size: Size,
}

#[derive(Clone, Copy, Debug, Default)]
struct Size {
    weight: usize,
    depth: usize,
}

impl Size {
    fn holding<'v>(children: impl Iterator<Item = &'v Val>) -> Size {
        children.fold(Size { weight: 1, depth: 1 }, Size::with)
    }

    fn with(self, child: &Val) -> Size {
        let size = child.size();
        Size {
            weight: self.weight.saturating_add(size.weight),
            depth: self.depth.max(size.depth + 1),
        }
    }

    /// True when it fits; otherwise the run is over.
    fn fits(self) -> bool {
        let limit = match self {
            Size { weight, .. } if weight > WEIGHT_MAX => Limit::Size,
            Size { depth, .. } if depth > DEPTH_MAX => Limit::Depth,
            Size { .. } => return true,
        };
        meter::stop(limit);
        false
    }
}

impl Val {
    pub(crate) fn text(text: &str) -> Val {
        if text.len() / STRING_BYTES_PER_STEP > WEIGHT_MAX {
            meter::stop(Limit::Size);
            return Val::Null;
        }
        Val::Str(text.into())
    }

    /// An array, or null (and the end of the run) when it would be too large.
    pub(crate) fn array(list: Vec<Val>) -> Val {
        let size = Size::holding(list.iter());
        if size.fits() {
            Val::Arr(Rc::new(Items { list, size }))
        } else {
            Val::Null
        }
    }

    pub(crate) fn object(map: BTreeMap<Rc<str>, Val>) -> Val {
        let weight_of_keys: usize = map.keys().map(|key| key.len() / STRING_BYTES_PER_STEP).sum();
        let mut size = Size::holding(map.values());
        size.weight = size.weight.saturating_add(weight_of_keys);
        if size.fits() {
            Val::Obj(Rc::new(Fields { map, size }))
        } else {
            Val::Null
        }
    }

    /// Appends to an array without weighing its head again.
    pub(crate) fn extend(head: Rc<Items>, tail: &Items) -> Val {
        let size = tail.list.iter().fold(head.size, Size::with);
        if !size.fits() {
            return Val::Null;
        }
        let mut items = Rc::unwrap_or_clone(head);
        items.list.extend(tail.list.iter().cloned());
        items.size = size;
        Val::Arr(Rc::new(items))
    }

    fn size(&self) -> Size {
        match self {
            Val::Null | Val::Bool(_) | Val::Int(_) | Val::Float(_) => Size { weight: 1, depth: 0 },
            Val::Str(text) => Size {
                weight: 1 + text.len() / STRING_BYTES_PER_STEP,
                depth: 0,
            },
            Val::Arr(items) => items.size,
            Val::Obj(fields) => fields.size,
        }
    }

    pub(crate) fn weight(&self) -> usize {
        self.size().weight
    }

    /// Reads JSON; `None` when it is too large or too deep for an expression.
    pub(crate) fn from_json(json: &Value) -> Option<Val> {
        let val = read(json, DEPTH_MAX)?;
        (val.weight() <= WEIGHT_MAX).then_some(val)
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Val::Null => Value::Null,
            Val::Bool(it) => Value::Bool(*it),
            Val::Int(it) => Value::from(*it),
            Val::Float(it) => number(*it),
            Val::Str(it) => Value::String(it.to_string()),
            Val::Arr(items) => Value::Array(items.list.iter().map(Val::to_json).collect()),
            Val::Obj(fields) => Value::Object(
                fields
                    .map
                    .iter()
                    .map(|(key, it)| (key.to_string(), it.to_json()))
                    .collect(),
            ),
        }
    }

    pub(crate) fn to_json_text(&self) -> String {
        self.to_json().to_string()
    }
}

fn read(json: &Value, depth_left: usize) -> Option<Val> {
    Some(match json {
        Value::Null => Val::Null,
        Value::Bool(it) => Val::Bool(*it),
        Value::Number(it) => match it.as_i64() {
            Some(int) => Val::Int(int),
            None => Val::Float(it.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(it) => Val::Str(it.as_str().into()),
        Value::Array(list) => {
            let rest = depth_left.checked_sub(1)?;
            let list: Vec<Val> = list.iter().map(|it| read(it, rest)).collect::<Option<_>>()?;
            Val::array(list)
        }
        Value::Object(map) => {
            let rest = depth_left.checked_sub(1)?;
            let field = |(key, it): (&String, &Value)| Some((Rc::from(key.as_str()), read(it, rest)?));
            Val::object(map.iter().map(field).collect::<Option<_>>()?)
        }
    })
}

impl From<bool> for Val {
    fn from(it: bool) -> Self {
        Val::Bool(it)
    }
}

impl From<isize> for Val {
    fn from(it: isize) -> Self {
        Val::Int(it as i64)
    }
}

impl From<usize> for Val {
    fn from(it: usize) -> Self {
        i64::try_from(it).map_or(Val::Float(it as f64), Val::Int)
    }
}

impl From<f64> for Val {
    fn from(it: f64) -> Self {
        Val::Float(it)
    }
}

impl From<String> for Val {
    fn from(it: String) -> Self {
        let _paid = meter::charge_bytes(it.len());
        Val::text(&it)
    }
}

impl From<jaq_core::val::Range<Val>> for Val {
    fn from(range: jaq_core::val::Range<Val>) -> Self {
        let bounds = [("start", range.start), ("end", range.end)];
        Val::object(
            bounds
                .into_iter()
                .filter_map(|(key, it)| Some((Rc::from(key), it?)))
                .collect(),
        )
    }
}

impl FromIterator<Val> for Val {
    fn from_iter<I: IntoIterator<Item = Val>>(iter: I) -> Self {
        Val::array(iter.into_iter().take_while(|_| meter::charge(0)).collect())
    }
}

/// JSON has one kind of number: a float without a fraction is written as an integer, what JSON cannot say as null.
fn number(float: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    if float.fract() == 0.0 && float.abs() < EXACT {
        return Value::from(float as i64);
    }
    serde_json::Number::from_f64(float).map_or(Value::Null, Value::Number)
}

impl Ord for Val {
    fn cmp(&self, other: &Self) -> Ordering {
        // A sort cannot be stopped half-way; it is paid for beforehand, and here only accounted.
        let _paid = meter::charge(self.weight().min(other.weight()) / COMPARED_PER_STEP);
        compare(self, other)
    }
}

impl PartialOrd for Val {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Val {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Val {}

fn compare(left: &Val, right: &Val) -> Ordering {
    match (left, right) {
        (Val::Bool(l), Val::Bool(r)) => l.cmp(r),
        (Val::Int(l), Val::Int(r)) => l.cmp(r),
        (Val::Float(l), Val::Float(r)) => l.partial_cmp(r).unwrap_or_else(|| r.is_nan().cmp(&l.is_nan())),
        (Val::Int(l), Val::Float(r)) => compare_mixed(*l, *r),
        (Val::Float(l), Val::Int(r)) => compare_mixed(*r, *l).reverse(),
        (Val::Str(l), Val::Str(r)) => l.cmp(r),
        (Val::Arr(l), Val::Arr(r)) => compare_lists(l.list.iter(), r.list.iter()),
        (Val::Obj(l), Val::Obj(r)) => {
            let keys = l.map.keys().cmp(r.map.keys());
            keys.then_with(|| compare_lists(l.map.values(), r.map.values()))
        }
        _ => rank(left).cmp(&rank(right)),
    }
}

fn compare_lists<'v>(left: impl Iterator<Item = &'v Val>, mut right: impl Iterator<Item = &'v Val>) -> Ordering {
    for l in left {
        let Some(r) = right.next() else {
            return Ordering::Greater;
        };
        let order = compare(l, r);
        if order.is_ne() {
            return order;
        }
    }
    if right.next().is_some() {
        Ordering::Less
    } else {
        Ordering::Equal
    }
}

/// Exact, so that the order is total: an integer is never rounded to be compared.
fn compare_mixed(int: i64, float: f64) -> Ordering {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0; // 2^63
    if float.is_nan() || float < -BEYOND {
        return Ordering::Greater;
    }
    if float >= BEYOND {
        return Ordering::Less;
    }
    let fraction = 0.0_f64.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal);
    int.cmp(&(float.trunc() as i64)).then(fraction)
}

fn rank(val: &Val) -> u8 {
    match val {
        Val::Null => 0,
        Val::Bool(_) => 1,
        Val::Int(_) | Val::Float(_) => 2,
        Val::Str(_) => 3,
        Val::Arr(_) => 4,
        Val::Obj(_) => 5,
    }
}

/// For error messages only: short, and bounded without counting.
impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 60;
        match self {
            Val::Arr(_) => f.write_str("an array"),
            Val::Obj(_) => f.write_str("an object"),
            Val::Str(text) => {
                let shown: String = text.chars().take(SHOWN).collect();
                let more = if shown.len() < text.len() { "…" } else { "" };
                write!(f, "{shown}{more}")
            }
            scalar => write!(f, "{}", scalar.to_json()),
        }
    }
}
