//! The transparency log of a tenant.
