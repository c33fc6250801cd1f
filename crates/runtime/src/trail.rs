//! Where a vehicle has been: read from what a restart would make its fleet from (`trips`), at most 20 seconds old.

use crate::ports::{Store, StoreError};
use crate::trips::blob;
use jiff::Timestamp;
use signalbox_engine::trip::fleet::{Snapshot, key};
use signalbox_engine::views;
use signalbox_model::position::Coordinates;
use signalbox_model::scope::TenantScope;

/// Points of a trail at most. Of more, evenly many are passed over.
pub const POINTS_MAX: usize = 400;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub at: Timestamp,
    pub coordinates: Coordinates,
}

/// A vehicle's positions from one instant to another, in the order of their times. The last one kept is always there.
pub fn read(
    store: &dyn Store,
    scope: &TenantScope,
    vehicle: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Point>, StoreError> {
    let key = key(vehicle);
    let kept = store.blob(scope, &blob(&key))?;
    // One kept in a shape of another version is made again at the next restart; until then there is no trail.
    let snapshot = kept.and_then(|it| serde_json::from_slice::<Snapshot>(&it).ok());
    let pings = snapshot.as_ref().map(Snapshot::pings).unwrap_or_default();
    let point = |ping: &signalbox_engine::trip::fleet::Ping| {
        let at = Timestamp::from_second(ping.at_s).ok()?;
        let coordinates = ping.place();
        Some(Point { at, coordinates })
    };
    let mut points: Vec<Point> = pings.iter().filter_map(point).collect();
    if let Some(newest) = newest(store, scope, &key)?
        && points.last().is_none_or(|it| it.at < newest.at)
    {
        points.push(newest);
    }
    points.retain(|it| from <= it.at && it.at <= to);
    Ok(thinned(points, POINTS_MAX))
}

/// The position that the vehicles' view shows.
fn newest(store: &dyn Store, scope: &TenantScope, key: &str) -> Result<Option<Point>, StoreError> {
    let Some(row) = store.view_row(scope, &views::VEHICLES, key)? else {
        return Ok(None);
    };
    let read = |field: &str| row.body.get(field).cloned().unwrap_or_default();
    let at = serde_json::from_value(read("at")).ok();
    let coordinates = serde_json::from_value(read("coordinates")).ok();
    Ok(at.zip(coordinates).map(|(at, coordinates)| Point { at, coordinates }))
}

/// At most `most` of them, evenly, the first and the last among them.
fn thinned(points: Vec<Point>, most: usize) -> Vec<Point> {
    let count = points.len();
    if count <= most {
        return points;
    }
    let chosen = (0..most).map(|it| it * (count - 1) / (most - 1));
    chosen.filter_map(|it| points.get(it).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(count: i64) -> Vec<Point> {
        let point = |it: i64| Point {
            at: Timestamp::from_second(it).unwrap(),
            coordinates: Coordinates::new(40.0, -80.0).unwrap(),
        };
        (0..count).map(point).collect()
    }

    #[test]
    fn a_long_trail_keeps_its_ends_and_its_bound() {
        assert_eq!(thinned(points(3), 4).len(), 3);
        let thin = thinned(points(1_024), 400);
        assert_eq!(thin.len(), 400);
        assert_eq!((thin[0].at.as_second(), thin[399].at.as_second()), (0, 1_023));
        assert!(thin.is_sorted_by_key(|it| it.at));
    }
}
