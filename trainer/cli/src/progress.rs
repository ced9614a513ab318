//! Progress bars on standard error; plain lines where that is not a terminal.

use crate::output::tell;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Draws the stages of a run.
pub struct Bars {
    stage: Mutex<Option<Stage>>,
    terminal: bool,
}

struct Stage {
    name: String,
    began: Instant,
    bar: ProgressBar,
}

impl Bars {
    /// For standard error.
    pub fn new() -> Self {
        Self {
            stage: Mutex::new(None),
            terminal: std::io::stderr().is_terminal(),
        }
    }

    fn begin(&self, name: &str, total: Option<u64>) {
        self.end();
        let bar = match total {
            Some(total) => ProgressBar::with_draw_target(Some(total), self.target()).with_style(
                style("{msg:<44} {wide_bar:.cyan/dim} {percent:>3} %  {elapsed} / {eta} left"),
            ),
            None => ProgressBar::with_draw_target(None, self.target())
                .with_style(style("{msg:<44} {spinner} {elapsed}")),
        };
        bar.set_message(name.to_owned());
        if self.terminal {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        let stage = Stage {
            name: name.to_owned(),
            began: Instant::now(),
            bar,
        };
        if let Ok(mut running) = self.stage.lock() {
            *running = Some(stage);
        }
    }

    fn target(&self) -> ProgressDrawTarget {
        if self.terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        }
    }

    fn on(&self, units: u64) {
        if let Ok(running) = self.stage.lock()
            && let Some(stage) = &*running
        {
            stage.bar.inc(units);
        }
    }

    fn end(&self) {
        let stage = self
            .stage
            .lock()
            .ok()
            .and_then(|mut running| running.take());
        if let Some(stage) = stage {
            stage.bar.finish_and_clear();
            let seconds = stage.began.elapsed().as_secs_f64();
            tell!("{:<44} {seconds:>8.1} s", stage.name);
        }
    }

    fn line(&self, line: &str) {
        let running = self.stage.lock();
        match running.as_ref().ok().and_then(|stage| stage.as_ref()) {
            Some(stage) => stage.bar.suspend(|| tell!("{line}")),
            None => tell!("{line}"),
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl vitrine_learn::progress::Progress for Bars {
    fn start(&self, stage: &str, total: Option<u64>) {
        self.begin(stage, total);
    }

    fn advance(&self, units: u64) {
        self.on(units);
    }

    fn finish(&self) {
        self.end();
    }

    fn say(&self, line: &str) {
        self.line(line);
    }
}

impl vitrine_prepare::progress::Progress for Bars {
    fn start(&self, stage: &str, total: Option<u64>) {
        self.begin(stage, total);
    }

    fn advance(&self, units: u64) {
        self.on(units);
    }

    fn finish(&self) {
        self.end();
    }
}
