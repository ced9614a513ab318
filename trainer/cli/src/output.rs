//! Lines for people and scripts, on standard output and standard error.
//!
//! A reader may leave before the end (`vitrine train … | head -1`). The work goes on, and the command
//! ends as it would have: `println!` would panic.

use std::fmt::Arguments;
use std::io::Write as _;
use vitrine_core::dataset::Notice;

/// Writes a line to standard output.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::output::out(format_args!("{}\n", format_args!($($words)*)))
    };
}

/// Writes a line to standard error.
macro_rules! tell {
    ($($words:tt)*) => {
        $crate::output::err(format_args!("{}\n", format_args!($($words)*)))
    };
}

pub(crate) use {say, tell};

/// Writes to standard output.
pub fn out(words: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    // Whoever read it is gone; there is nobody to tell.
    let _ = out.write_fmt(words).and_then(|()| out.flush());
}

/// Writes to standard error.
pub fn err(words: Arguments<'_>) {
    let _ = std::io::stderr().lock().write_fmt(words);
}

/// The block that ends the output of a command where something has to be looked at.
pub fn notices(notices: &[Notice]) {
    if notices.is_empty() {
        return;
    }
    say!("\nLook at this:");
    for notice in notices {
        say!(
            "  ! {} [{}]\n    {}",
            notice.finding,
            notice.name,
            notice.advice
        );
    }
}
