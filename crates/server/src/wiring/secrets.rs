//! The secret store: one file a secret, `secrets/<tenant>/<name>` in the data directory, read at each use so that a
//! secret is changed without a restart.

use signalbox_connectors::secret::{Secret, Secrets};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// A file larger than this holds no secret.
const SECRET_BYTES_MAX: u64 = 4_096;

pub fn secrets(folder: PathBuf) -> Secrets {
    Arc::new(move |tenant, name| {
        let file = folder.join(plain(tenant.as_str())?).join(plain(name)?);
        let is_small = fs::metadata(&file).is_ok_and(|it| it.is_file() && it.len() <= SECRET_BYTES_MAX);
        let text = if is_small {
            fs::read_to_string(&file).ok()?
        } else {
            return None;
        };
        let text = text.trim();
        (!text.is_empty()).then(|| Secret::new(text.to_owned()))
    })
}

/// One plain name, which leads nowhere else.
fn plain(name: &str) -> Option<&Path> {
    let path = Path::new(name);
    let mut parts = path.components();
    let is_plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    (is_plain && !name.starts_with('.')).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_model::id::TenantId;

    #[test]
    fn a_secret_is_found_by_its_tenant_and_name_only() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("ten_a")).unwrap();
        fs::write(folder.path().join("ten_a/hook"), "whsec_x\n").unwrap();
        let secrets = secrets(folder.path().to_owned());
        let found = |tenant: &str, name: &str| secrets(&TenantId::from(tenant), name).map(|it| it.expose().clone());
        assert_eq!(found("ten_a", "hook"), Some("whsec_x".to_owned()));
        for (tenant, name) in [
            ("ten_b", "hook"),
            ("ten_b", "../ten_a/hook"),
            ("ten_a", ""),
            ("ten_a", "/etc/hostname"),
        ] {
            assert_eq!(found(tenant, name), None, "{tenant} {name}");
        }
    }
}
