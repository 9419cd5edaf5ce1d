//! Gardens. fn not_this() {}

use std::fmt;

/// A bed of flowers.
#[derive(Debug, Clone)]
pub struct Bed<T> {
    rows: Vec<T>,
}

impl<T> Bed<T> {
    const DEPTH: u32 = 3;

    /// Makes one.
    #[must_use]
    pub fn new() -> Self {
        let dig = |depth: u32| depth + 1;
        dig(1);
        Self { rows: vec![] }
    }

    // A comment by itself.

    fn water(&mut self) {
        fn pour() {}
        let text = "fn inside() {}";
    }
}

impl<T> fmt::Display for Bed<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        Ok(())
    }
}

impl Plant for crate::trees::Oak {
    type Leaf = u8;
    fn grow(&self) {}
}

pub trait Plant {
    type Leaf;
    fn grow(&self);
    fn die(&self) {}
}

pub enum Season {
    Spring,
    Summer(u8),
}

static SHED: &str = r#"
fn raw() {}
"#;
pub type Rows = Vec<Bed<u8>>;

macro_rules! plant {
    ($x:expr) => {};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows() {}
}

extern "C" {
    fn rain(mm: i32);
}

fn torn(a: {
    let b = ;
}

fn after() {}
